package coordinator

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/replay"
)

// newest is the last round of an update, as a part of which it is done.
func newest(e job.Update) job.Round { return e.Rounds[len(e.Rounds)-1] }

// update learns from the used rollouts of a step and stores the checkpoint and
// the ledger. Nothing of it counts before the log names it.
func (d *driver) update(ctx context.Context, e job.Update) (job.Event, error) {
	if e.Resuming {
		last := newest(e)
		n, err := d.takeOver(ctx, last.Plan.Unit, last.Collection, job.Updating)
		if err != nil {
			return nil, err
		}
		if n > job.MaxTakeOvers {
			return nil, fmt.Errorf("step %d: the update was taken over more than %d times", e.Step, job.MaxTakeOvers)
		}
	}
	l, lost, err := d.learnerAt(ctx, e.Parent)
	if err != nil || lost != nil {
		return lost, err
	}
	commit := &job.Commit{Marks: e.Marks, Batch: replay.BatchOf(e.Rounds, e.Rows)}
	for _, r := range e.Rounds {
		commit.Rounds = append(commit.Rounds, d.def.RoundRef(r))
	}
	folder := job.Folder{Generation: e.Generation, Step: e.Step}
	samples, err := replay.ReadBatch(ctx, d.store, d.def.ID, folder, commit.Batch.Parts, e.Rows)
	if err != nil && repair.Damage(err) {
		err = cmp.Or(d.lostPart(ctx, e), err)
	}
	if err != nil {
		return nil, err
	}
	next, err := l.Clone()
	if err != nil {
		return nil, err
	}
	metrics, err := d.learn(ctx, l, next, e, samples)
	if err != nil {
		return nil, err
	}
	commit.Metrics = append(replay.RewardMetrics(e.Rows), metrics...)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		commit.Ledger, err = d.putLedger(gctx, e.Generation, e.Step, e.Rounds, e.Rows)
		return err
	})
	g.Go(func() (err error) {
		commit.Checkpoint, err = d.save(gctx, next, folder, e.Parent.Manifest, commit.Batch.Digest, e.Parent.Places)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	d.keepLearner(commit.Checkpoint.Manifest, next)
	return job.Updated{Step: e.Step, Commit: commit}, nil
}

// learnerAt is the learner that the newest checkpoint holds: the one in memory
// if it is that, else it is loaded and every byte of it verified, and made again
// if it is not whole. Where that cannot be done, lost says so.
func (d *driver) learnerAt(ctx context.Context, c job.Checkpoint) (l *learner.Learner, lost job.Event, err error) {
	if l := d.known(c.Manifest); l != nil {
		return l, nil, nil
	}
	l, damaged, err := d.heal(ctx, d.newest(), d.staleness())
	if damaged != nil {
		lost, err = d.behind(ctx, damaged)
	}
	if l != nil && l.WeightsDigest() != c.Weights {
		return nil, nil, fmt.Errorf("checkpoint %s is not the newest of the log any more", c.Manifest)
	}
	return l, lost, err
}

// known is the learner of a checkpoint that is in memory, or nil.
func (d *driver) known(manifest blob.Digest) *learner.Learner {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.learners[manifest]
}

// keepLearner remembers the newest learner alone.
func (d *driver) keepLearner(manifest blob.Digest, l *learner.Learner) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.learners = map[blob.Digest]*learner.Learner{manifest: l}
}

// save stores a checkpoint in the folder of its step.
func (d *driver) save(ctx context.Context, l *learner.Learner, folder job.Folder, parent, trained blob.Digest, places []job.Place) (job.Checkpoint, error) {
	m := replay.Manifest(&d.def, l, folder.Step, parent, trained)
	c, err := checkpoint.Save(ctx, d.store, d.def.ID, folder, m, l.State(), int(d.def.Spec.Checkpoint.ChunkBytes), places)
	c.Weights = l.WeightsDigest()
	return c, err
}

// learn makes the step that begins from a learner with next, a copy of it.
func (d *driver) learn(ctx context.Context, start, next *learner.Learner, e job.Update, samples replay.Batch) (metrics []job.Metric, err error) {
	if groups := d.def.Spec.Limits.GradientGroups; groups > 0 {
		g := &gradients{driver: d, update: e, samples: samples, start: start}
		metrics, err = next.StepInShards(e.Step, samples.Used, groups, func(parts []learner.Part) iter.Seq2[learner.Partial, error] {
			return g.of(ctx, parts)
		})
		if g.err != nil {
			return nil, g.err
		}
	} else {
		metrics, err = next.Step(e.Step, samples.Used)
	}
	if err != nil {
		return nil, &failure{err: err, remedy: "lower optimizer.learning_rate, or set optimizer.max_grad_norm"}
	}
	return metrics, nil
}

// lostPart is which of the files of the batch is broken, as a *lostError.
func (d *driver) lostPart(ctx context.Context, e job.Update) error {
	for _, r := range e.Rounds {
		for _, c := range r.Collects {
			for _, ref := range c.Parts {
				key := r.Plan.Unit.BlobPrefix() + string(ref.Digest)
				if _, err := blob.GetContent(ctx, d.store, key, ref.Digest); err != nil {
					return lostRecord(r.Plan.Unit, r.Collection, key, err)
				}
			}
		}
	}
	return nil
}
