package submission

import (
	"context"
	"fmt"
	"iter"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Keys lists where submissions lie, in no order that means anything. A
// submission may be one that was cut short, whose job is not there.
func Keys(ctx context.Context, b blob.Bucket) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for info, err := range b.List(ctx, job.SubmissionsPrefix, "") {
			if err != nil {
				yield("", fmt.Errorf("list submissions: %w", err))
				return
			}
			if !yield(info.Key, nil) {
				return
			}
		}
	}
}

// Read returns the job that the submission at key asked for. It never changes.
func Read(ctx context.Context, b blob.Bucket, key string) (job.Definition, error) {
	kept, _, err := records.Read[record](ctx, b, key, recordFormat)
	if err != nil {
		return job.Definition{}, err
	}
	return kept.Job, nil
}
