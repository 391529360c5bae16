package checkpoint

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Jobs returns the jobs of which the store holds anything, in the order of
// their folders. Folders that no job can have are passed over.
func Jobs(ctx context.Context, b blob.Bucket) ([]job.ID, error) {
	var ids []job.ID
	for name, err := range blob.Folders(ctx, b, job.JobsPrefix) {
		if err != nil {
			return nil, fmt.Errorf("list the jobs: %w", err)
		}
		if id, err := job.ParseID(name); err == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
