package api

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/submission"
)

// summary is what of a job's definition the API shows.
type summary struct {
	id    job.ID
	name  string
	steps int
	at    time.Time
}

func summarize(def *job.Definition) summary {
	return summary{id: def.ID, name: def.Spec.Name, steps: def.Spec.Steps, at: def.At}
}

// names remembers the summaries of jobs, which never change, so that each is
// read once.
type names struct {
	store blob.Bucket
	mu    sync.Mutex // guards known
	known map[job.ID]summary
}

// maxNames bounds the memory of names; once full they are forgotten.
const maxNames = 100_000

func newNames(b blob.Bucket) *names { return &names{store: b, known: map[job.ID]summary{}} }

// get returns the summary of a job, or submission.ErrUnknownJob.
func (n *names) get(ctx context.Context, id job.ID) (summary, error) {
	n.mu.Lock()
	found, ok := n.known[id]
	n.mu.Unlock()
	if ok {
		return found, nil
	}
	def, _, err := records.Read[job.Definition](ctx, n.store, id.SpecKey(), job.DefinitionFormat)
	if errors.Is(err, blob.ErrNotFound) {
		return summary{}, fmt.Errorf("%w %q", submission.ErrUnknownJob, id)
	}
	if err != nil {
		return summary{}, err
	}
	if err := n.check(ctx, id); err != nil {
		return summary{}, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) >= maxNames {
		clear(n.known)
	}
	n.known[id] = summarize(def)
	return n.known[id], nil
}

// check returns submission.ErrUnknownJob for a job that is deleted, perhaps by
// another server, and forgets it.
func (n *names) check(ctx context.Context, id job.ID) error {
	gone, err := deletion.Deleted(ctx, n.store, id)
	if err != nil || !gone {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, id)
	return fmt.Errorf("%w %q: it was deleted", submission.ErrUnknownJob, id)
}
