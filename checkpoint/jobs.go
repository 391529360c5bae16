package checkpoint

import (
	"context"
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Jobs returns the jobs of which the store holds anything, in the order of
// their ids. It looks at one key of each, however many they have. Folders that
// no job can have are passed over.
func Jobs(ctx context.Context, b blob.Bucket) ([]job.ID, error) {
	var ids []job.ID
	for after := ""; ; {
		name, err := nextFolder(ctx, b, after)
		if err != nil || name == "" {
			return ids, err
		}
		after = job.JobsPrefix + name + "0" // behind all keys of this one: "0" follows "/"
		if id, err := job.ParseID(name); err == nil {
			ids = append(ids, id)
		}
	}
}

// nextFolder is the first folder of jobs behind after; empty if there is none.
func nextFolder(ctx context.Context, b blob.Bucket, after string) (string, error) {
	for info, err := range b.List(ctx, job.JobsPrefix, after) {
		if err != nil {
			return "", fmt.Errorf("list the jobs: %w", err)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(info.Key, job.JobsPrefix), "/")
		return name, nil
	}
	return "", nil
}
