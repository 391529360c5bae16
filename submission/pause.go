package submission

import (
	"context"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Pause asks a job to stand still: it begins nothing more, its shards are put
// down, and its deadlines do not run. The request is durable when it returns;
// asking again is no error. nonce is fresh for each call. Errors:
// ErrUnknownJob, *EndedError, ErrTooMany, or the store's.
func Pause(ctx context.Context, b blob.Bucket, id job.ID, reason, nonce string, at time.Time) error {
	return still(ctx, b, id, &job.Control{Format: job.ControlFormat, Action: job.ActionPause, Reason: reason, Nonce: nonce, At: at.UTC()})
}

// Resume asks a job that stands still to go on; of one that does not it asks
// nothing. Otherwise it is as Pause.
func Resume(ctx context.Context, b blob.Bucket, id job.ID, reason, nonce string, at time.Time) error {
	return still(ctx, b, id, &job.Control{Format: job.ControlFormat, Action: job.ActionResume, Reason: reason, Nonce: nonce, At: at.UTC()})
}

func still(ctx context.Context, b blob.Bucket, id job.ID, request *job.Control) error {
	switch end, err := ended(ctx, b, id, request.Action); {
	case err != nil:
		return err
	case end != nil:
		return &EndedError{Job: id, End: *end}
	}
	return ask(ctx, b, id, request)
}
