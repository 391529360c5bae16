package results

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// item is a log entry with what is fetched beside it.
type item struct {
	entry *job.Entry
	// ledger is the first part of the commit's ledger; nil if there is none.
	// Further parts are rare, and read when it is their turn.
	ledger []byte
	// evaluation is the result of the evaluation of the entry's checkpoint.
	evaluation *job.Evaluation
}

// item reads entry n.
func (f *fetcher) item(ctx context.Context, n int) (item, error) {
	e, err := checkpoint.ReadEntry(ctx, f.bucket, f.def.ID, n)
	if err != nil {
		return item{}, err
	}
	it := item{entry: e}
	if c := e.Commit; c != nil && len(c.Ledger.Parts) > 0 {
		if it.ledger, err = f.blob(ctx, c.Ledger.Step, e.Generation, c.Ledger.Parts[0]); err != nil {
			return item{}, fmt.Errorf("ledger of step %d: %w", c.Ledger.Step, err)
		}
	}
	if c, ok := e.NewCheckpoint(); ok && f.evaluated(e) {
		it.evaluation, err = f.evaluation(ctx, c)
	}
	return it, err
}

// evaluated says whether the checkpoint of the entry is due to be evaluated:
// the first of a job is, if any is, and the commit of another says so.
func (f *fetcher) evaluated(e *job.Entry) bool {
	if e.Rewind != nil {
		return false // that of the entry that it goes back to is
	}
	if e.Commit == nil {
		return f.def.EvalTasks() > 0
	}
	return slices.ContainsFunc(e.Commit.Pending, func(p job.Pending) bool { return p.Step == e.Commit.Checkpoint.Step })
}

// evaluation is the result of a checkpoint's evaluation, nil if it has none yet.
func (f *fetcher) evaluation(ctx context.Context, c job.Checkpoint) (*job.Evaluation, error) {
	type result struct {
		Format string `json:"format"`
		job.Evaluation
	}
	unit := job.Unit{Job: f.def.ID, Step: c.Step, Eval: c.Manifest}
	r, _, err := records.Read[result](ctx, f.bucket, unit.ResultKey(), job.ResultFormat)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("evaluation of step %d: %w", c.Step, err)
	}
	return &r.Evaluation, nil
}

// blob reads, and verifies, a blob of a step's folder.
func (f *fetcher) blob(ctx context.Context, step, generation int, ref blob.Ref) ([]byte, error) {
	return blob.GetContent(ctx, f.bucket, f.def.ID.StepPrefix(generation, step)+string(ref.Digest), ref.Digest)
}
