package checkpoint

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Newest returns the newest committed checkpoint of a job. ErrNoCheckpoint says
// that its log has none, as that of a job that has not begun, or is not there.
func Newest(ctx context.Context, b blob.Bucket, id job.ID) (Found, error) {
	last, err := LastEntry(ctx, b, id, -1)
	if err != nil {
		return Found{}, err
	}
	for n := last; n >= 0; n-- {
		e, err := ReadEntry(ctx, b, id, n)
		if err != nil {
			return Found{}, err
		}
		if c, ok := e.NewCheckpoint(); ok {
			return Found{Job: id, Entry: n, Checkpoint: c}, nil
		}
	}
	return Found{}, fmt.Errorf("newest checkpoint of job %s: %w", id, ErrNoCheckpoint)
}
