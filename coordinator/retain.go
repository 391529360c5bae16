package coordinator

import (
	"context"
	"maps"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/retention"
)

// keeper is what is known of the checkpoints that may be pruned.
type keeper struct {
	// turn holds an element while somebody prunes, who alone uses what follows.
	turn chan struct{}
	line []*job.Entry
	done map[blob.Digest]bool
}

// unsure is how many of the newest marks of pruned checkpoints a driver that
// takes a job up does not trust: whoever left them may have died meanwhile.
const unsure = 8

// retain prunes what the spec does not keep, after entry n of the log. What
// cannot be pruned now is pruned after a later one.
func (d *driver) retain(ctx context.Context, n int) {
	select {
	case d.keeper.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-d.keeper.turn }()
	pruned, err := d.prune(ctx, n)
	if err != nil && ctx.Err() == nil {
		d.Logger.Warn("Checkpoints that need not be kept could not be pruned.", "error", err)
	}
	for _, p := range pruned {
		d.Logger.Info("Pruned the weights of a checkpoint.", "step", p.Step, "checkpoint", string(p.ID), "bytes", p.Bytes)
	}
}

func (d *driver) prune(ctx context.Context, n int) ([]retention.Pruning, error) {
	k := &d.keeper
	line, err := d.line(ctx, n)
	if err != nil {
		return nil, err
	}
	if k.done == nil {
		if k.done, err = retention.Pruned(ctx, d.store, d.def.ID); err != nil {
			return nil, err
		}
		left := unsure
		for i := len(line) - 1; i >= 0 && left > 0; i-- {
			if c, _ := line[i].NewCheckpoint(); k.done[c.Manifest] {
				delete(k.done, c.Manifest)
				left--
			}
		}
	}
	keep := d.def.Spec.Checkpoint
	p := retention.Policy{Keep: keep.Keep, Staleness: d.def.Spec.GRPO.Staleness, Best: keep.KeepBest, Means: d.evaluated()}
	if p.Pinned, err = retention.Pinned(ctx, d.store, d.def.ID); err != nil {
		return nil, err
	}
	return retention.Prune(ctx, d.store, d.def.ID, line, p, k.done, d.Clock.Now())
}

// line is the line that leads to entry n, read again only where it is not the
// one before with a commit more.
func (d *driver) line(ctx context.Context, n int) ([]*job.Entry, error) {
	k := &d.keeper
	d.mu.Lock()
	newest := d.entries[n]
	d.mu.Unlock()
	if len(k.line) > 0 && k.line[len(k.line)-1].N == n-1 && newest != nil && newest.Commit != nil {
		k.line = append(k.line, newest)
		return k.line, nil
	}
	line, err := repair.ReadLine(ctx, d.store, d.def.ID, n)
	if err == nil {
		err = line.Cut
	}
	k.line = line.Entries
	return k.line, err
}

// keepMean remembers the mean of an evaluation that has a whole result.
func (d *driver) keepMean(e job.Evaluation) {
	if e.Incomplete != "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.means == nil {
		d.means = map[blob.Digest]float64{}
	}
	d.means[e.Manifest] = e.Mean
}

// evaluated are the means that keepMean remembers.
func (d *driver) evaluated() map[blob.Digest]float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.means)
}
