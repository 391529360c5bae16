package deletion

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// RunningError says that a job has not ended, or that its driver is still
// putting away what is left of it.
type RunningError struct {
	Job    job.ID
	Ending bool // its log has an end; only its driver is not done
}

// Error names the job.
func (e *RunningError) Error() string {
	if e.Ending {
		return fmt.Sprintf("job %s has ended, but a coordinator is not done with it", e.Job)
	}
	return fmt.Sprintf("job %s has not ended", e.Job)
}

// NeededError says that a job that has not begun starts from a checkpoint of
// the one that is to be deleted. Once it has begun it has a copy.
type NeededError struct{ Job, By job.ID }

// Error names both jobs.
func (e *NeededError) Error() string {
	return fmt.Sprintf("job %s starts from a checkpoint of %s and has not begun yet", e.By, e.Job)
}

// TopicError says that a job's objects are gone and its topic is not. Deleting
// the job again deletes the topic.
type TopicError struct {
	Job   job.ID
	Topic string
	Err   error
}

// Error names the job and the topic.
func (e *TopicError) Error() string {
	return fmt.Sprintf("the objects of job %s are deleted, but its topic %s is not: %v", e.Job, e.Topic, e.Err)
}

// Unwrap returns what Kafka failed with.
func (e *TopicError) Unwrap() error { return e.Err }

// ended refuses a job whose log has no end, or that is still among the active
// ones. The log decides, not the hint; where its last entry cannot be read, a
// job that is not active has ended, since nobody will drive it again.
func ended(ctx context.Context, b blob.Bucket, id job.ID) error {
	last, err := checkpoint.LastEntry(ctx, b, id, -1)
	if err != nil {
		return err
	}
	if last < 0 {
		return &RunningError{Job: id}
	}
	e, entryErr := checkpoint.ReadEntry(ctx, b, id, last)
	if entryErr != nil && !errors.Is(entryErr, blob.ErrCorrupt) {
		return entryErr
	}
	if entryErr == nil && e.End == nil {
		return &RunningError{Job: id}
	}
	_, err = b.Head(ctx, id.ActiveKey())
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("look whether %s is active: %w", id, err)
	case entryErr != nil:
		return entryErr
	}
	return &RunningError{Job: id, Ending: true}
}

// unneeded refuses a job from which another, active one has still to copy the
// checkpoint that it starts from.
func unneeded(ctx context.Context, b blob.Bucket, id job.ID) error {
	for info, err := range b.List(ctx, job.ActivePrefix, "") {
		if err != nil {
			return fmt.Errorf("list the active jobs: %w", err)
		}
		other, err := job.ParseID(strings.TrimSuffix(strings.TrimPrefix(info.Key, job.ActivePrefix), ".json"))
		if err != nil || other == id {
			continue
		}
		needs, err := startsFrom(ctx, b, other, id)
		if err != nil {
			return err
		}
		if needs {
			return &NeededError{Job: id, By: other}
		}
	}
	return nil
}

// startsFrom says whether other has still to copy a checkpoint of id. One whose
// definition cannot be read is driven by nobody.
func startsFrom(ctx context.Context, b blob.Bucket, other, id job.ID) (bool, error) {
	def, _, err := records.Read[job.Definition](ctx, b, other.SpecKey(), job.DefinitionFormat)
	if unreadable(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	start := def.Spec.Start
	if start == nil || start.Job != "" && start.Job != string(id) {
		return false, nil
	}
	_, err = b.Head(ctx, other.LogKey(0))
	if err == nil {
		return false, nil // it has begun
	}
	if !errors.Is(err, blob.ErrNotFound) {
		return false, fmt.Errorf("look whether %s has begun: %w", other, err)
	}
	if start.Job == string(id) {
		return true, nil
	}
	_, err = checkpoint.Find(ctx, b, start.Checkpoint, id)
	if errors.Is(err, checkpoint.ErrNoCheckpoint) {
		return false, nil
	}
	return err == nil, err
}
