// Package submission takes requests to jobs into the object store: it submits,
// cancels, and says where a job stands. Everything here may be repeated after
// any failure, by any process, and comes to the same end.
package submission

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
)

// Request asks for a job.
type Request struct {
	// Key makes asking twice asking once: CheckKey says what it may be. Without
	// one the request is known by its ID.
	Key string
	// Spec is what spec.Decode returned.
	Spec *spec.Spec
	// Files are the data sets' bytes by role, as spec.Files lists them. The
	// evaluation's may be left out where its path is that of the tasks. The
	// caller must not change them afterwards.
	Files map[string][]byte
	// ID is the job's, if no earlier request with the key gave it one.
	ID job.ID
	At time.Time
}

// Formats of the records of this package.
const (
	recordFormat = "cohort.submission/1"
	activeFormat = "cohort.active/1"
)

// record is the submission with a key. It comes first, so it decides which job
// the key stands for, and whoever finds it can complete the rest.
type record struct {
	Format string `json:"format"`
	// Digest is that of the whole spec with the digests of its data sets.
	Digest blob.Digest    `json:"digest"`
	Job    job.Definition `json:"job"`
}

// active says that coordinators have to look after a job.
type active struct {
	Format string    `json:"format"`
	Job    job.ID    `json:"job"`
	At     time.Time `json:"at"`
}

// Submit makes the job that r asks for, or finds the one that its key stands
// for; created says that there was no job before. It puts the submission, the
// data sets, the job's name among the active ones, and its definition, in this
// order: the definition makes it a job, and a request that was cut short at any
// point is completed by the next with the same key.
//
// Errors: spec.Errors when a data set is missing or wrong, ErrInvalidKey,
// *ConflictError, ErrTaken, or the store's.
func Submit(ctx context.Context, b blob.Bucket, r Request) (def job.Definition, created bool, err error) {
	key, err := r.key()
	if err != nil {
		return job.Definition{}, false, err
	}
	sets, err := readSets(r.Spec, r.Files)
	if err != nil {
		return job.Definition{}, false, err
	}
	mine, err := sets.record(r)
	if err != nil {
		return job.Definition{}, false, err
	}
	kept, existed, err := records.Adopt(ctx, b, key, recordFormat, mine)
	if err != nil {
		return job.Definition{}, false, fmt.Errorf("submit: %w", err)
	}
	if existed {
		if field := mine.differs(kept); field != "" {
			return job.Definition{}, false, &ConflictError{Key: r.Key, Job: kept.Job.ID, Field: field}
		}
		// After the job's end its name must not come back among the active ones.
		found, err := kept.complete(ctx, b)
		if err != nil || found {
			return kept.Job, false, err
		}
	}
	if err := sets.put(ctx, b, kept.Job.ID); err != nil {
		return job.Definition{}, false, fmt.Errorf("submit %s: %w", kept.Job.ID, err)
	}
	return kept.Job, true, kept.finish(ctx, b)
}

// complete says whether the job is there, and nothing of its submission missing.
func (k *record) complete(ctx context.Context, b blob.Bucket) (bool, error) {
	def, _, err := records.Read[job.Definition](ctx, b, k.Job.ID.SpecKey(), job.DefinitionFormat)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("submit %s: %w", k.Job.ID, err)
	}
	return true, k.owns(def)
}

// finish puts what makes it a job, once its data is there.
func (k *record) finish(ctx context.Context, b blob.Bucket) error {
	id := k.Job.ID
	if err := Activate(ctx, b, &k.Job); err != nil {
		return fmt.Errorf("submit %s: %w", id, err)
	}
	def, _, err := records.Adopt(ctx, b, id.SpecKey(), job.DefinitionFormat, &k.Job)
	if err != nil {
		return fmt.Errorf("submit %s: %w", id, err)
	}
	return k.owns(def)
}

// Activate makes coordinators look after a job: a new one, or one whose log has no
// end any more. It is safe to repeat; a job that has ended they leave alone.
func Activate(ctx context.Context, b blob.Bucket, def *job.Definition) error {
	_, _, err := records.Adopt(ctx, b, def.ID.ActiveKey(), activeFormat, &active{activeFormat, def.ID, def.At})
	return err
}

// owns refuses a job that another submission made under the same id.
func (k *record) owns(def *job.Definition) error {
	if def.At.Equal(k.Job.At) && spec.FirstDifference(def.Spec, k.Job.Spec) == "" && def.Tasks == k.Job.Tasks && def.Eval == k.Job.Eval && def.Threads == k.Job.Threads {
		return nil
	}
	return fmt.Errorf("submit %s: %w", k.Job.ID, ErrTaken)
}
