package submission

import (
	"context"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Cancel asks for a job's end. The request is durable when it returns, and
// asking again, or for the end of a job that was cancelled, is no error. nonce
// is fresh for each call. Errors: ErrUnknownJob, *EndedError, or the store's.
func Cancel(ctx context.Context, b blob.Bucket, id job.ID, reason, nonce string, at time.Time) error {
	end, err := ended(ctx, b, id, job.ActionCancel)
	switch {
	case err != nil:
		return err
	case end == nil:
		return ask(ctx, b, id, &job.Control{Format: job.ControlFormat, Action: job.ActionCancel, Reason: reason, Nonce: nonce, At: at.UTC()})
	case end.Verdict == job.Cancelled:
		return nil
	}
	return &EndedError{Job: id, End: *end}
}
