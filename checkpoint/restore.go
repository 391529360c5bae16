package checkpoint

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// ErrDiffers says that what was computed is not the checkpoint that it was to be.
var ErrDiffers = errors.New("another checkpoint was computed")

// Restored is an object that Restore put back. Quarantined is the key of the
// copy of what was there instead, empty if nothing was.
type Restored struct {
	Key         string
	Quarantined string
}

// Restore verifies every object of checkpoint c of job id, of which image was
// computed again, and puts those back that are corrupt or missing, each where c
// says that it lies. What is corrupt is kept in quarantine. If another
// checkpoint was computed nothing is put: ErrDiffers.
func Restore(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint, image *Image) ([]Restored, error) {
	if image.ID != c.Manifest {
		return nil, fmt.Errorf("restore checkpoint of step %d: %w: %s instead of %s", c.Step, ErrDiffers, image.ID, c.Manifest)
	}
	var restored []Restored
	mend := func(folder job.Folder, digest blob.Digest) error {
		body, ok := image.Object(digest)
		if !ok {
			return fmt.Errorf("restore checkpoint of step %d: %w: the log places blob %s, which its manifest does not name", c.Step, ErrDiffers, digest)
		}
		key := id.StepPrefix(folder.Generation, folder.Step) + string(digest)
		_, err := blob.GetContent(ctx, b, key, digest)
		if err == nil {
			return nil
		}
		if !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, blob.ErrTooLarge) {
			return err
		}
		placed, err := blob.PutContent(ctx, b, key, body)
		if err == nil {
			restored = append(restored, Restored{key, placed.Quarantined})
		}
		return err
	}
	for _, p := range c.Places {
		if err := mend(p.Folder, p.Digest); err != nil {
			return restored, err
		}
	}
	return restored, mend(c.Folder, c.Manifest)
}
