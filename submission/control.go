package submission

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

const (
	// maxControls bounds the requests to one job, and maxPauses those among them
	// that leave room for a cancel.
	maxControls = 10_000
	maxPauses   = 5_000
)

// ended is the end of a job, nil while it goes on.
func ended(ctx context.Context, b blob.Bucket, id job.ID, action job.Action) (*job.End, error) {
	if _, err := b.Head(ctx, id.SpecKey()); errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("%s %s: %w", action, id, ErrUnknownJob)
	} else if err != nil {
		return nil, fmt.Errorf("%s %s: %w", action, id, err)
	}
	head, err := Look(ctx, b, id)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", action, id, err)
	}
	if head == nil {
		return nil, nil //nolint:nilnil // no end and no error: the job goes on
	}
	return head.End, nil
}

// ask puts a request under the next free number, unless those before it come to
// the same. One that cannot be read is passed over, as the job's driver does.
func ask(ctx context.Context, b blob.Bucket, id job.ID, request *job.Control) error {
	most := maxControls
	if request.Action != job.ActionCancel {
		most = maxPauses
	}
	stands := job.ActionResume // until somebody asks otherwise
	for n := range most {
		key := id.ControlKey(n)
		kept, _, err := records.Read[job.Control](ctx, b, key, job.ControlFormat)
		if errors.Is(err, blob.ErrNotFound) {
			if stands == request.Action {
				return nil
			}
			kept, _, err = records.Adopt(ctx, b, key, job.ControlFormat, request)
		}
		var format *sealed.FormatError
		switch {
		case errors.Is(err, sealed.ErrCorrupt) || errors.As(err, &format):
		case err != nil:
			return fmt.Errorf("%s %s: %w", request.Action, id, err)
		case kept.Action == job.ActionCancel, kept.Nonce == request.Nonce:
			return nil // the end goes before everything else
		default:
			stands = kept.Action
		}
	}
	return fmt.Errorf("%s %s: %w: %d", request.Action, id, ErrTooMany, most)
}
