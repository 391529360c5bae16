// Package deletion takes a job that has ended out of the store, whole: its
// objects, its submission, and its topic in Kafka. Everything here may be
// repeated after any failure, by any process, and comes to the same end.
package deletion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/submission"
)

// Topics are those of the deployment's Kafka.
type Topics interface {
	// Delete removes a topic; removing what is not there is no error.
	Delete(ctx context.Context, topic string) error
}

// topicTimeout bounds the wait for Kafka.
const topicTimeout = 30 * time.Second

const markFormat = "cohort.deleted/1"

// mark says that a job is deleted, or being deleted. It comes first and stays:
// who has read it neither shows the job nor drives it, so one whose objects are
// half gone never looks like a fresh one, and what a process that was stalled
// puts back counts for nothing. It holds what a repeated deletion needs when
// the definition is gone.
type mark struct {
	Format string `json:"format"`
	Job    job.ID `json:"job"`
	// Topic is the one that the job has for itself; empty when its spec names one.
	Topic string    `json:"topic,omitempty"`
	At    time.Time `json:"at"`
}

// Request names the job to delete.
type Request struct {
	Job job.ID
	// TopicPrefix begins the names of the deployment's topics.
	TopicPrefix string
	At          time.Time
}

// Delete deletes a job that has ended. Deleting again what is deleted is no
// error, and completes a deletion that was cut short.
//
// The order is: the mark, which makes the job invisible; the job's name among
// the active ones; its submission, so that its key is free; its definition;
// everything else that it owns, its log last; its topic.
//
// Errors: submission.ErrUnknownJob, *RunningError and *NeededError, after which
// nothing was changed; *TopicError, after which the topic alone is left; or the
// store's.
func Delete(ctx context.Context, b blob.Bucket, topics Topics, r Request) error {
	m, err := begin(ctx, b, r)
	if err != nil {
		return fmt.Errorf("delete %s: %w", r.Job, err)
	}
	if err := remove(ctx, b, r.Job); err != nil {
		return fmt.Errorf("delete %s: %w", r.Job, err)
	}
	if m.Topic == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	if err := topics.Delete(ctx, m.Topic); err != nil {
		return &TopicError{Job: r.Job, Topic: m.Topic, Err: err}
	}
	return nil
}

// Deleted says whether a job is deleted, or being deleted.
func Deleted(ctx context.Context, b blob.Bucket, id job.ID) (bool, error) {
	_, err := b.Head(ctx, id.DeletedKey())
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, blob.ErrNotFound):
		return false, nil
	}
	return false, fmt.Errorf("look whether %s is deleted: %w", id, err)
}

// begin returns the mark of an earlier deletion, or makes one if the job may be
// deleted.
func begin(ctx context.Context, b blob.Bucket, r Request) (*mark, error) {
	m, _, err := records.Read[mark](ctx, b, r.Job.DeletedKey(), markFormat)
	if errors.Is(err, blob.ErrCorrupt) { // That it is there is all that counts.
		return &mark{Topic: r.TopicPrefix + string(r.Job)}, nil
	}
	if err == nil || !errors.Is(err, blob.ErrNotFound) {
		return m, err
	}
	def, _, err := records.Read[job.Definition](ctx, b, r.Job.SpecKey(), job.DefinitionFormat)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, submission.ErrUnknownJob
	}
	if err != nil && !errors.Is(err, blob.ErrCorrupt) {
		return nil, err
	}
	if err := ended(ctx, b, r.Job); err != nil {
		return nil, err
	}
	if err := unneeded(ctx, b, r.Job); err != nil {
		return nil, err
	}
	m = &mark{Format: markFormat, Job: r.Job, At: r.At.UTC()}
	switch {
	case err != nil: // A topic that the spec named stays; one of this name is the job's own.
		m.Topic = r.TopicPrefix + string(r.Job)
	case def.Spec.Traces.Topic == "":
		m.Topic = def.Topic(r.TopicPrefix)
	}
	m, _, err = records.Adopt(ctx, b, r.Job.DeletedKey(), markFormat, m)
	return m, err
}
