package coordinator

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// mendPlan creates a plan, or replaces a corrupt one: whoever computes it
// computes the same bytes.
func (d *driver) mendPlan(ctx context.Context, p *job.Plan) (*job.Plan, error) {
	m, err := records.Mend(ctx, d.store, p.Unit.PlanKey(), job.PlanFormat, p)
	if err != nil {
		return nil, err
	}
	d.mended(p.Unit.PlanKey(), m.Quarantined)
	return m.Record, nil
}

// mend looks at everything that a shard reads which nobody brought to an end,
// before it is driven again, and makes again what can be. Of a record that
// cannot it returns a *lostError.
func (d *driver) mend(ctx context.Context, e job.Drive, s job.Shard) error {
	if _, err := d.mendPlan(ctx, e.Plan); err != nil {
		return err
	}
	entries := d.keptEntries()
	for _, n := range slices.Sorted(maps.Keys(entries)) {
		m, err := records.Mend(ctx, d.store, d.def.ID.LogKey(n), job.EntryFormat, entries[n])
		if err != nil {
			return err
		}
		d.mended(d.def.ID.LogKey(n), m.Quarantined)
	}
	if e.Plan.Offline {
		return nil // it reads the data set alone, which came from outside
	}
	if s.Phase == job.Rollout {
		return d.mendPolicy(ctx, e)
	}
	if err := d.lookRanges(ctx, e, s); err != nil {
		return err
	}
	if e.Phase != job.Assemble {
		return nil
	}
	s.Phase = job.Extract
	for s.Index = range e.Plan.Shards(job.Extract) {
		if err := d.lookExtract(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// mendPolicy makes the checkpoint whole that rollouts are to run under, which
// may be an older one for an evaluation.
func (d *driver) mendPolicy(ctx context.Context, e job.Drive) error {
	// What training runs under is looked at with all that the next steps need.
	n, staleness := e.Plan.Policy.Entry, d.staleness()
	if e.Unit.Eval != "" {
		staleness = 0
	} else if staleness > 0 {
		n = d.newest()
	}
	_, damaged, err := d.heal(ctx, n, staleness)
	switch {
	case err != nil || damaged == nil:
		return err
	case e.Unit.Eval != "" && damaged.Entry != d.newest():
		return fmt.Errorf("the checkpoint of step %d cannot be evaluated: %s", e.Unit.Step, damaged.Reason)
	}
	event, err := d.behind(ctx, damaged)
	if event != nil {
		d.tell(ctx, event)
	}
	return err
}

// lookRanges reads the ranges of a collection and the rollout records that they
// name. One that is not what it should be is a *lostError.
func (d *driver) lookRanges(ctx context.Context, e job.Drive, s job.Shard) error {
	key := s.Unit.RangesKey(s.Collection)
	ranges, _, err := records.Read[job.Ranges](ctx, d.store, key, job.RangesFormat)
	if err != nil {
		return lostRecord(s.Unit, s.Collection, key, err)
	}
	s.Phase = job.Rollout
	for s.Index = range e.Plan.Shards(job.Rollout) {
		_, digest, err := records.Read[job.RolloutRecord](ctx, d.store, s.SettledKey(), job.RolloutFormat)
		if err == nil && (s.Index >= len(ranges.Settled) || digest != ranges.Settled[s.Index]) {
			err = fmt.Errorf("%w: it is not the record that the ranges name", blob.ErrCorrupt)
		}
		if err != nil {
			return lostRecord(s.Unit, s.Collection, s.SettledKey(), err)
		}
	}
	return nil
}

// lookExtract reads an extract record and what it names.
func (d *driver) lookExtract(ctx context.Context, s job.Shard) error {
	r, _, err := records.Read[job.ExtractRecord](ctx, d.store, s.SettledKey(), job.ExtractFormat)
	if err != nil {
		return lostRecord(s.Unit, s.Collection, s.SettledKey(), err)
	}
	for _, b := range r.Buckets {
		key := s.Unit.BlobPrefix() + string(b.Blob.Digest)
		if _, err := blob.GetContent(ctx, d.store, key, b.Blob.Digest); err != nil {
			return lostRecord(s.Unit, s.Collection, key, err)
		}
	}
	return nil
}

// keptEntries are the entries of the log that this driver remembers.
func (d *driver) keptEntries() map[int]*job.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.entries // replaced, never changed
}
