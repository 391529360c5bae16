//go:build services

package integration_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

const (
	// steps is how long the job is.
	steps = 6
	// patience bounds the wait for anything a job does.
	patience = 3 * time.Minute
)

// run is the countdown job with the processes that do it.
type run struct {
	services    services
	store       blob.Bucket
	id          job.ID
	coordinator *program
	workers     []*program
}

// begin starts a coordinator, workers and an agent, and submits the job.
func begin(t *testing.T, s services, workers int) *run {
	t.Helper()
	store, err := open.Open(t.Context(), s.store, open.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{services: s, store: store, id: job.ID("countdown-" + uuid.NewString()[:8])}
	r.startCoordinator(t)
	for range workers {
		r.startWorker(t)
	}
	r.submit(t, startAgent(t))
	return r
}

func (r *run) startCoordinator(t *testing.T) {
	t.Helper()
	r.coordinator = start(t, "coordinator", append(r.services.arguments(), "--listen", "127.0.0.1:0")...)
}

func (r *run) startWorker(t *testing.T) {
	t.Helper()
	r.workers = append(r.workers, start(t, "worker", r.services.arguments()...))
}

func (r *run) submit(t *testing.T, agent string) {
	t.Helper()
	s, err := spec.Decode("job.yaml", countdown.Job())
	if err != nil {
		t.Fatal(err)
	}
	s.Steps = steps
	s.Agent.URL, s.Agent.Health = agent+"/rollouts", agent+"/healthz"
	_, _, err = submission.Submit(t.Context(), r.store, submission.Request{
		Spec: s, ID: r.id, At: time.Now(),
		Files: map[string][]byte{spec.RoleTasks: countdown.Train(), spec.RoleEval: countdown.HeldOut()},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// done waits until the job is done.
func (r *run) done(t *testing.T) *job.Head {
	t.Helper()
	head := r.until(t, "end", func(head *job.Head) bool { return head.End != nil })
	if head.End.Verdict != job.Done {
		t.Fatalf("the job ended %s: %+v", head.End.Verdict, head.End)
	}
	return head
}

// reaches waits until the step is committed.
func (r *run) reaches(t *testing.T, step int) {
	t.Helper()
	r.until(t, "get on", func(head *job.Head) bool { return head.Step >= step || head.End != nil })
}

// until waits until the job is as wanted.
func (r *run) until(t *testing.T, what string, wanted func(*job.Head) bool) *job.Head {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		head, err := submission.Look(ctx, r.store, r.id)
		if err == nil && head != nil && wanted(head) {
			return head
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the job did not %s within %v: %+v, %v", what, patience, head, err)
		case <-tick.C:
		}
	}
}
