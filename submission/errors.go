package submission

import (
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/job"
)

var (
	// ErrInvalidKey says that an idempotence key is not one.
	ErrInvalidKey = errors.New("invalid idempotence key")
	// ErrTaken says that another submission's job has the id.
	ErrTaken = errors.New("the job id belongs to another submission")
	// ErrUnknownJob says that no job has the id.
	ErrUnknownJob = errors.New("unknown job")
	// ErrTooMany says that a job was asked for too much already.
	ErrTooMany = errors.New("the job has too many requests already")
)

// ConflictError says that a key stands for a job with other content.
type ConflictError struct {
	Key   string // empty: the request had none, and its job id is taken
	Job   job.ID
	Field string // the first in the order of the spec that differs
}

// Error names the job and the field.
func (e *ConflictError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("job %s exists with other content: %s differs", e.Job, e.Field)
	}
	return fmt.Sprintf("the key %q stands for job %s, which was submitted with other content: %s differs", e.Key, e.Job, e.Field)
}

// EndedError says that nothing can be asked of a job any more.
type EndedError struct {
	Job job.ID
	End job.End
}

// Error says how the job ended.
func (e *EndedError) Error() string {
	if e.End.Reason == "" {
		return fmt.Sprintf("job %s has ended: %s", e.Job, e.End.Verdict)
	}
	return fmt.Sprintf("job %s has ended: %s: %s", e.Job, e.End.Verdict, e.End.Reason)
}
