package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/retention"
)

// outcome is what a run came to.
type outcome struct {
	chain   []blob.Digest  // the manifests, from that of step 0 on
	metrics [][]job.Metric // of the steps
	verdict job.Verdict
	reason  string
	evals   []job.Evaluation
	counted map[string]int
	shards  int // of gradients
	picks   int
	rewinds int
	pruned  int
	cut     int // open steps that the end cut off
	// restored and lost count what was repaired after the end.
	restored, lost int
	rotted         bool // objects were damaged
	history        *history
	beside         *outcome // of the second job
}

// judge reads the store as a stranger would, and checks what must hold in every
// run.
func (w *world) judge() (outcome, error) {
	o := outcome{counted: w.faults.counted, picks: w.picks, history: w.history}
	if w.store.contradiction != nil {
		return o, w.store.contradiction
	}
	ctx := context.Background()
	if o.rotted = w.plan.rot; o.rotted {
		if err := w.mend(&o); err != nil {
			return o, err
		}
	}
	if err := w.store.whole(w.def.ID); err != nil {
		return o, err
	}
	if marks, err := retention.Pruned(ctx, w.store, w.def.ID); err == nil {
		o.pruned = len(marks)
	}
	last, err := checkpoint.LastEntry(ctx, w.store, w.def.ID, -1)
	if err != nil {
		return o, err
	}
	var totals []job.Totals // of the steps of the chain, beside it
	var marks [][]job.Mark  // with which what is planned under the chain begins, beside it
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, w.store, w.def.ID, n)
		if err != nil {
			return o, err
		}
		if o.verdict != "" {
			return o, fmt.Errorf("entry %d follows the end", n)
		}
		if e.Rewind != nil {
			at := e.Rewind.Checkpoint.Step
			if at >= len(o.chain) || o.chain[at] != e.Rewind.Checkpoint.Manifest {
				return o, fmt.Errorf("entry %d goes back to step %d, which is another", n, at)
			}
			for _, place := range e.Rewind.Checkpoint.Places {
				if place.Folder.Generation != e.Generation {
					return o, fmt.Errorf("entry %d goes back to blobs of generation %d", n, place.Folder.Generation)
				}
			}
			o.chain, totals, marks = o.chain[:at], totals[:at+1], marks[:at]
			for i := range marks {
				marks[i] = e.Rewind.Marks
			}
			o.metrics = o.metrics[:min(at, len(o.metrics))]
			o.rewinds++
		}
		if c, ok := e.NewCheckpoint(); ok {
			marks = append(marks, e.Opening())
			if o.chain = append(o.chain, c.Manifest); c.Step != len(o.chain)-1 {
				return o, fmt.Errorf("entry %d is of step %d", n, c.Step)
			}
		}
		switch {
		case e.Begin != nil:
			totals = append(totals, job.Totals{})
		case e.Rewind != nil && e.Rewind.Totals != totals[len(totals)-1]:
			return o, fmt.Errorf("entry %d counts %+v, the steps before it %+v", n, e.Rewind.Totals, totals[len(totals)-1])
		case e.Commit != nil:
			o.metrics = append(o.metrics, e.Commit.Metrics)
			totals = append(totals, totals[len(totals)-1].Plus(e.Commit.Ledger.Totals))
			if e.Commit.Totals != totals[len(totals)-1] {
				return o, fmt.Errorf("entry %d counts %+v, its ledgers %+v", n, e.Commit.Totals, totals[len(totals)-1])
			}
			if err := w.under(ctx, e, o.chain, marks); err != nil {
				return o, fmt.Errorf("entry %d: %w", n, err)
			}
			if err := w.join(ctx, e.Generation, e.Commit.Ledger, len(e.Commit.Rounds)); err != nil {
				return o, fmt.Errorf("entry %d: %w", n, err)
			}
		case e.End != nil:
			o.verdict, o.reason, o.evals = e.End.Verdict, e.End.Reason, e.End.Evaluations
			o.cut = len(e.End.Ledgers)
			for _, ledger := range e.End.Ledgers {
				if err := w.join(ctx, e.Generation, ledger, -1); err != nil {
					return o, fmt.Errorf("end: %w", err)
				}
			}
		}
	}
	if o.verdict == "" {
		return o, errors.New("the log has no end")
	}
	o.shards, err = w.gradientShards(ctx)
	if err == nil && w.beside != nil && w.beside.def.ID != "" {
		beside, failed := w.beside.judge()
		o.beside = &beside
		if failed != nil {
			err = fmt.Errorf("the second job: %w", failed)
		}
	}
	return o, err
}

// gradientShards is how many gradient shards were settled, each of them as its
// terms ask for.
func (w *world) gradientShards(ctx context.Context) (int, error) {
	n := 0
	for info, err := range w.store.List(ctx, w.def.ID.Prefix(), "") {
		if err != nil {
			return n, err
		}
		before, name, found := strings.Cut(info.Key, "/settled/")
		if !found || !strings.Contains(name, "/update.") {
			continue
		}
		n++
		r, _, err := records.Read[job.GradientRecord](ctx, w.store, info.Key, job.GradientFormat)
		if w.store.lost(err) {
			continue // of a step that is over: nobody reads it again
		}
		if err != nil {
			return n, err
		}
		_, digest, err := records.Read[job.GradientTerms](ctx, w.store, before+"/updates/"+name, job.TermsFormat)
		if w.store.lost(err) {
			continue
		}
		if err == nil && (digest != r.Terms || r.Failure != "") {
			err = fmt.Errorf("%s is of the terms %s, they are %s; failure %q", info.Key, r.Terms, digest, r.Failure)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// join checks a ledger against the plans of so many rounds, or of those that it
// has rows of.
func (w *world) join(ctx context.Context, generation int, ledger job.LedgerRef, rounds int) error {
	var rows []batch.Row
	for _, part := range ledger.Parts {
		body, err := blob.GetContent(ctx, w.store, w.def.ID.StepPrefix(generation, ledger.Step)+string(part.Digest), part.Digest)
		if w.store.lost(err) {
			return nil
		}
		if err != nil {
			return err
		}
		more, err := batch.ReadLedger(body)
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	if rounds < 0 && len(rows) > 0 {
		rounds = int(rows[len(rows)-1].Round) + 1
	}
	for i := range rows {
		if r := &rows[i]; r.Reason != "" {
			w.history.add("ledger", fmt.Sprintf("%d.%d rollout %d/%d", r.Step, r.Round, r.Group, r.Rollout), r.Reason+": "+r.Detail)
		}
	}
	var plans []*job.Plan
	for round := range rounds {
		plan, _, err := records.Read[job.Plan](ctx, w.store, job.Unit{Job: w.def.ID, Generation: generation, Step: ledger.Step, Round: round}.PlanKey(), job.PlanFormat)
		if w.store.lost(err) {
			return nil
		}
		if err != nil {
			return err
		}
		plans = append(plans, plan)
	}
	if err := batch.Join(plans, rows); err != nil {
		return err
	}
	t := batch.Totals(rows)
	if t != ledger.Totals || t.Used+t.Dropped+t.Failed != t.Planned {
		return fmt.Errorf("the ledger of step %d says %+v, its rows %+v", ledger.Step, ledger.Totals, t)
	}
	return nil
}

// like checks that a run came out as the undisturbed one did.
func (o outcome) like(want outcome, cancelled bool) error {
	for i, m := range o.metrics {
		if i < len(want.metrics) && !slices.Equal(m, want.metrics[i]) {
			return fmt.Errorf("the metrics of commit %d are %+v, those of the undisturbed run %+v", i, m, want.metrics[i])
		}
	}
	switch {
	case cancelled && o.verdict == job.Cancelled:
		if len(o.chain) > len(want.chain) || !slices.Equal(o.chain, want.chain[:len(o.chain)]) {
			return fmt.Errorf("the checkpoints are %s, those of the undisturbed run begin otherwise: %s", o.chain, want.chain)
		}
		return nil
	case o.verdict != want.verdict:
		return fmt.Errorf("the job ended %s (%s), the undisturbed one %s (%s)", o.verdict, o.reason, want.verdict, want.reason)
	case !slices.Equal(o.chain, want.chain):
		return fmt.Errorf("the checkpoints are %s, those of the undisturbed run %s", o.chain, want.chain)
	case want.verdict == job.Done && !slices.EqualFunc(o.evals, want.evals, o.sameEvaluation): // a job that fails leaves some undone
		return fmt.Errorf("the evaluations are %+v, those of the undisturbed run %+v", o.evals, want.evals)
	}
	return nil
}

// sameEvaluation says whether an evaluation is that of the undisturbed run, or
// says that its checkpoint was damaged beyond repair when it was due.
func (o outcome) sameEvaluation(got, want job.Evaluation) bool {
	if o.rotted && strings.Contains(got.Incomplete, blob.ErrCorrupt.Error()) {
		return got.Step == want.Step && got.Manifest == want.Manifest && got.Scored == 0
	}
	return got == want
}
