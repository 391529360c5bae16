package repair

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
)

// ErrReadable says that the last entry of a log can be read.
var ErrReadable = errors.New("the last entry of the log can be read: there is nothing to forget")

// ForgetLastEntry takes the last entry out of the log if it cannot be read. It
// may have been the job's end, so only a person can say that the job is to go
// on; if it was a commit, its step is committed again from what it left. The
// bytes stay in quarantine.
func (j *Job) ForgetLastEntry(ctx context.Context) error {
	last, err := checkpoint.LastEntry(ctx, j.Store, j.Def.ID, -1)
	if err != nil {
		return err
	}
	if last < 1 {
		return fmt.Errorf("job %s: entry %d: %w", j.Def.ID, last, ErrReadable)
	}
	if _, err = checkpoint.ReadEntry(ctx, j.Store, j.Def.ID, last); err == nil || !errors.Is(err, blob.ErrCorrupt) {
		return errors.Join(err, ErrReadable)
	}
	key := j.Def.ID.LogKey(last)
	object, err := j.Store.Get(ctx, key)
	if err != nil {
		return err
	}
	if _, err := blob.Quarantine(ctx, j.Store, key, object.Body); err != nil {
		return err
	}
	if err := j.Store.Delete(ctx, key); err != nil {
		return err
	}
	return j.Store.Delete(ctx, j.Def.ID.HeadKey()) // the hint that it was there
}
