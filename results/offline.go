package results

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/offline"
)

// Files of an offline job: what became of each thread, and what the policy would
// earn on those that were held out.
const (
	ThreadsFile  = "threads.jsonl"
	EstimateFile = "estimate.json"
)

// offline writes what there is to say of an offline job.
func (f *fetcher) offline(ctx context.Context) error {
	if !f.def.Offline() {
		return nil
	}
	set := f.def.Threads.Blob
	body, err := blob.GetContent(ctx, f.bucket, f.def.ID.DataKey(set.Digest), set.Digest)
	if err != nil {
		return fmt.Errorf("read the fates of the threads: %w", err)
	}
	if err := os.WriteFile(f.path(ThreadsFile), body, 0o666); err != nil {
		return err
	}
	set = f.def.Eval.Blob
	if f.chosen == nil || set.Digest == "" {
		return nil
	}
	if body, err = blob.GetContent(ctx, f.bucket, f.def.ID.DataKey(set.Digest), set.Digest); err != nil {
		return fmt.Errorf("read the held-out threads: %w", err)
	}
	held, err := offline.ReadTasks(body)
	if err != nil {
		return err
	}
	_, arrays, err := checkpoint.LoadWeights(ctx, f.bucket, f.def.ID, *f.chosen)
	if err != nil {
		return err
	}
	trained, err := checkpoint.Policy(arrays)
	if err != nil {
		return err
	}
	if f.report.Estimate, err = offline.Evaluate(trained, held); err != nil {
		return err
	}
	text, err := json.MarshalIndent(f.report.Estimate, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(f.path(EstimateFile), append(text, '\n'), 0o666)
}
