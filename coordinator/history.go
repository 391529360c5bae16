package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/traces"
)

// readLog reads the ends of the job's log.
func (d *driver) readLog(ctx context.Context) (job.Event, error) {
	if err := d.awaitControls(ctx); err != nil {
		return nil, err
	}
	known := -1
	head, _, err := records.Read[job.Head](ctx, d.store, d.def.ID.HeadKey(), job.HeadFormat)
	switch {
	case err == nil:
		known = head.Entry
		d.keepDamages(head.Damage)
	case !errors.Is(err, blob.ErrNotFound):
		d.Logger.Warn("The hint of the job's progress cannot be read; the whole log is listed instead.", "error", err)
	}
	n, err := checkpoint.LastEntry(ctx, d.store, d.def.ID, known)
	if err != nil || n < 0 {
		return job.LogRead{}, err
	}
	first, last, err := d.ends(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := d.keepBegin(first); err != nil {
		return nil, err
	}
	d.keepEntry(first)
	d.keepEntry(last)
	d.spans.Entry(ctx, last, false)
	var damaged *job.Damaged
	var before []*job.Entry
	if last.End == nil {
		if _, damaged, err = d.heal(ctx, n, d.staleness()); err != nil {
			return nil, err
		}
		if before, err = d.before(ctx, last); err != nil {
			return nil, err
		}
		if damaged != nil {
			d.found("The newest checkpoint is damaged and cannot be computed again.", errors.New(damaged.Reason))
		}
	}
	results, err := d.readResults(ctx)
	if err != nil {
		return nil, err
	}
	return job.LogRead{First: first, Last: last, Before: before, Results: results, Damaged: damaged}, nil
}

// before reads the entries before the newest that open steps rest on, the oldest
// first.
func (d *driver) before(ctx context.Context, last *job.Entry) ([]*job.Entry, error) {
	var entries []*job.Entry
	for e := last; e.Commit != nil && len(entries) < d.staleness(); {
		n := e.N - 1
		var err error
		if e, err = checkpoint.ReadEntry(ctx, d.store, d.def.ID, n); repair.Damage(err) {
			e, err = d.repair().Restate(ctx, n, last.N)
		}
		if err != nil {
			return nil, d.unreadable(ctx, n, err)
		}
		d.keepEntry(e)
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries, nil
}

// readResults reads the results of the evaluations that have one, and puts those
// back that are lost if their records still hold them.
func (d *driver) readResults(ctx context.Context) ([]job.Evaluation, error) {
	found, err := repair.Results(ctx, d.store, d.def.ID)
	if err != nil {
		return nil, err
	}
	var results []job.Evaluation
	for _, r := range found {
		if r.Broken == nil {
			results = append(results, r.Evaluation)
			continue
		}
		again, err := d.evaluateAgain(ctx, r.Manifest)
		if err != nil {
			return nil, err
		}
		if again != nil {
			results = append(results, *again)
		}
	}
	for _, r := range results {
		d.keepMean(r)
	}
	return results, nil
}

// putEntry creates an entry of the log, or adopts the one that is there.
func (d *driver) putEntry(ctx context.Context, e job.Entry) (job.Event, error) {
	e.At = d.Clock.Now().UTC()
	entry, existed, err := records.Adopt(ctx, d.store, d.def.ID.LogKey(e.N), job.EntryFormat, &e)
	if err != nil {
		return nil, d.unreadable(ctx, e.N, err)
	}
	if entry.N != e.N {
		return nil, fmt.Errorf("read %s: it says that it is entry %d", d.def.ID.LogKey(e.N), entry.N)
	}
	d.keepEntry(entry)
	d.spans.Entry(ctx, entry, !existed)
	if entry.N == 0 {
		if err := d.keepBegin(entry); err != nil {
			return nil, err
		}
	}
	if !existed {
		d.observe(entry)
	}
	if d.def.Spec.Checkpoint.Keep > 0 && entry.End == nil {
		d.spawn(ctx, func(ctx context.Context) { d.retain(ctx, entry.N) })
	}
	if c := entry.Commit; c != nil {
		d.Logger.Info("Committed.", "step", c.Checkpoint.Step, "checkpoint", string(c.Checkpoint.Manifest), "used", c.Ledger.Totals.Used, "planned", c.Ledger.Totals.Planned)
	}
	return job.EntryRead{Entry: entry}, nil
}

// observe tells of an entry that this process created.
func (d *driver) observe(e *job.Entry) {
	if e.Commit != nil {
		d.Observer.Committed()
		d.Observer.Settled(e.Commit.Ledger.Totals)
	}
	if e.End != nil {
		for _, ledger := range e.End.Ledgers {
			d.Observer.Settled(ledger.Totals)
		}
	}
}

// keepBegin remembers what the job began with. Arithmetic of another version
// is refused: it would give other bits.
func (d *driver) keepBegin(e *job.Entry) error {
	if e.Begin == nil {
		return nil // the job ended before it began
	}
	if e.Begin.Numerics != numerics.Version {
		return &failure{
			err:    fmt.Errorf("the job computes with numerics %q, this build with %q", e.Begin.Numerics, numerics.Version),
			remedy: "run a coordinator of the version that began the job",
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = e.Begin
	return nil
}

// topic is where the job's events lie.
func (d *driver) topic() traces.Topic {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.topicNamed(d.began.Topic)
}

func (d *driver) topicNamed(name string) traces.Topic {
	return traces.Topic{Log: d.Log, Name: name, Codec: d.Codec}
}
