package submission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// maxControls bounds the requests to one job.
const maxControls = 10_000

// Cancel asks for a job's end. The request is durable when it returns, and
// asking again, or for the end of a job that was cancelled, is no error. nonce
// is fresh for each call. Errors: ErrUnknownJob, *EndedError, or the store's.
func Cancel(ctx context.Context, b blob.Bucket, id job.ID, reason, nonce string, at time.Time) error {
	if _, err := b.Head(ctx, id.SpecKey()); errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("cancel %s: %w", id, ErrUnknownJob)
	} else if err != nil {
		return fmt.Errorf("cancel %s: %w", id, err)
	}
	head, err := Look(ctx, b, id)
	switch {
	case err != nil:
		return fmt.Errorf("cancel %s: %w", id, err)
	case head == nil || head.End == nil:
		return ask(ctx, b, id, &job.Control{
			Format: job.ControlFormat, Action: job.ActionCancel, Reason: reason, Nonce: nonce, At: at.UTC(),
		})
	case head.End.Verdict == job.Cancelled:
		return nil
	}
	return &EndedError{Job: id, End: *head.End}
}

// ask puts a request under the next free number, unless the same was asked
// before. One that cannot be read is passed over, as the job's driver does.
func ask(ctx context.Context, b blob.Bucket, id job.ID, request *job.Control) error {
	for n := range maxControls {
		kept, _, err := records.Adopt(ctx, b, id.ControlKey(n), job.ControlFormat, request)
		var format *sealed.FormatError
		switch {
		case errors.Is(err, sealed.ErrCorrupt) || errors.As(err, &format):
		case err != nil:
			return fmt.Errorf("%s %s: %w", request.Action, id, err)
		case kept.Action == request.Action:
			return nil
		}
	}
	return fmt.Errorf("%s %s: the job has %d requests already", request.Action, id, maxControls)
}
