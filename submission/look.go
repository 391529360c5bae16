package submission

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Look returns the hint of a job's progress, or nil when no coordinator has
// left one yet. It is one read of a job that is under way. Where the hint is
// lost or cannot be read although the job has ended, the log says how.
func Look(ctx context.Context, b blob.Bucket, id job.ID) (*job.Head, error) {
	head, _, err := records.Read[job.Head](ctx, b, id.HeadKey(), job.HeadFormat)
	var format *sealed.FormatError
	switch {
	case err == nil:
		return head, nil
	case !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, sealed.ErrCorrupt) && !errors.As(err, &format):
		return nil, err
	}
	_, err = b.Head(ctx, id.ActiveKey())
	switch {
	case err == nil:
		return nil, nil //nolint:nilnil // no hint yet is no error
	case !errors.Is(err, blob.ErrNotFound):
		return nil, fmt.Errorf("look whether %s is active: %w", id, err)
	}
	return fromLog(ctx, b, id)
}

// fromLog is what the hint of an ended job would say.
func fromLog(ctx context.Context, b blob.Bucket, id job.ID) (*job.Head, error) {
	n, err := checkpoint.LastEntry(ctx, b, id, -1)
	if err != nil || n < 0 {
		return nil, err
	}
	end, err := checkpoint.ReadEntry(ctx, b, id, n)
	if err != nil || end.End == nil {
		return nil, err
	}
	head := &job.Head{
		Format: job.HeadFormat, Entry: n, Generation: end.Generation, Stage: job.StageEnded,
		Evaluations: end.End.Evaluations, End: end.End, At: end.At,
	}
	if n == 0 {
		return head, nil
	}
	last, err := checkpoint.ReadEntry(ctx, b, id, n-1)
	if err != nil {
		return nil, err
	}
	if c, ok := last.NewCheckpoint(); ok {
		head.Step, head.Checkpoint = c.Step, c.Manifest
	}
	head.Totals = last.Counted()
	if c := last.Commit; c != nil {
		head.Metrics = c.Metrics
	}
	return head, nil
}
