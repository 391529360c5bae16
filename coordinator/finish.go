package coordinator

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
)

// putLedger stores a step's ledger in the folder of the step.
func (d *driver) putLedger(ctx context.Context, generation, step int, rounds []job.Round, rows []job.Row) (job.LedgerRef, error) {
	plans := make([]*job.Plan, len(rounds))
	for i, r := range rounds {
		plans[i] = r.Plan
	}
	files, err := replay.Ledger(plans, rows)
	if err != nil {
		return job.LedgerRef{}, fmt.Errorf("step %d: %w", step, err)
	}
	ref := job.LedgerRef{Step: step, Totals: job.Count(rows)}
	for _, file := range files {
		part := blob.RefOf(file)
		if _, err := blob.PutContent(ctx, d.store, d.def.ID.StepPrefix(generation, step)+string(part.Digest), file); err != nil {
			return job.LedgerRef{}, err
		}
		ref.Parts = append(ref.Parts, part)
	}
	return ref, nil
}

// finish stores a ledger of each open step and prepares the end.
func (d *driver) finish(ctx context.Context, e job.Finish) (job.Event, error) {
	end := &job.End{Verdict: e.Verdict, Reason: e.Reason, Remedy: e.Remedy}
	for _, open := range e.Open {
		ledger, err := d.putLedger(ctx, e.Generation, open.Step, open.Rounds, open.Rows)
		if err != nil {
			return nil, err
		}
		end.Ledgers = append(end.Ledgers, ledger)
	}
	return job.EndPrepared{Entry: e.Entry, End: end}, nil
}

func (d *driver) putResult(ctx context.Context, e job.PutResult) (job.Event, error) {
	mended, err := records.Mend(ctx, d.store, e.Unit.ResultKey(), job.ResultFormat, &job.EvaluationRecord{Format: job.ResultFormat, Evaluation: e.Evaluation})
	if err != nil {
		return nil, err
	}
	d.mended(e.Unit.ResultKey(), mended.Quarantined)
	r := mended.Record
	d.keepMean(r.Evaluation)
	if !mended.Existed && mended.Quarantined == "" {
		d.spans.Evaluated(ctx, e.Unit, r.Evaluation)
	}
	d.Logger.Info("Evaluated.", "step", r.Step, "mean", r.Mean, "scored", r.Scored, "incomplete", r.Incomplete)
	return job.ResultRead{Evaluation: r.Evaluation}, nil
}

// reporter keeps the newest hint of the job's progress until it is written.
type reporter struct {
	next atomic.Pointer[job.Head]
	// turn holds an element while a hint is written, so that none overtakes a
	// newer one. Whoever waits for it can be told to stop.
	turn chan struct{}
}

// report writes the newest hint that is not written yet, if there is one.
func (d *driver) report(ctx context.Context) error {
	select {
	case d.head.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.head.turn }()
	h := d.head.next.Swap(nil)
	if h == nil {
		return nil
	}
	h.At, h.Damage = d.Clock.Now().UTC(), d.damages()
	return records.Overwrite(ctx, d.store, d.def.ID.HeadKey(), *h)
}

// retire takes the ended job from the list of active ones, once the last hint
// is written.
func (d *driver) retire(ctx context.Context) (job.Event, error) {
	if err := d.report(ctx); err != nil {
		return nil, err
	}
	if err := d.store.Delete(ctx, d.def.ID.ActiveKey()); err != nil {
		return nil, fmt.Errorf("retire job %s: %w", d.def.ID, err)
	}
	return job.Retired{}, nil
}
