//go:build services

package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

const (
	// heldOut is how many tasks an evaluation has. No checkpoint depends on it.
	heldOut = 20
	// patience bounds the wait for anything a job does.
	patience = 3 * time.Minute
)

// trial is the countdown job with the processes that do it.
type trial struct {
	services    services
	store       blob.Bucket
	id          job.ID
	coordinator *process
	workers     []*process
	setup       string // what a shell does first in each process's own namespace, if anything
}

// begin starts a coordinator, workers and an agent, and submits a job of some
// steps.
func begin(t *testing.T, s services, workers, steps int) *trial {
	t.Helper()
	r := &trial{services: s}
	r.begin(t, workers, steps)
	return r
}

func (r *trial) begin(t *testing.T, workers, steps int) {
	t.Helper()
	r.id = job.ID("countdown-" + uuid.NewString()[:8])
	if r.store == nil {
		r.store = r.services.openStore(t)
	}
	r.startCoordinator(t)
	for n := range workers {
		r.startWorker(t, fmt.Sprintf("worker-%d", n))
	}
	r.submit(t, startAgent(t, r.services.environment()), steps)
}

func (r *trial) startCoordinator(t *testing.T) {
	t.Helper()
	r.coordinator = r.start(t, "coordinator", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
}

func (r *trial) startWorker(t *testing.T, name string) {
	t.Helper()
	r.workers = append(r.workers, r.start(t, "worker", "--name", name))
}

func (r *trial) start(t *testing.T, name string, arguments ...string) *process {
	t.Helper()
	if r.setup != "" {
		name, arguments = apart(r.setup, name, arguments...)
	}
	return start(t, r.services.environment(), name, arguments...)
}

func (r *trial) submit(t *testing.T, agent string, steps int) {
	t.Helper()
	s, err := spec.Decode("job.yaml", countdown.Job())
	if err != nil {
		t.Fatal(err)
	}
	s.Steps = steps
	s.Agent.URL, s.Agent.Health = agent+"/rollouts", agent+"/healthz"
	few := bytes.Join(bytes.SplitAfterN(countdown.HeldOut(), []byte("\n"), heldOut+1)[:heldOut], nil)
	_, _, err = submission.Submit(t.Context(), r.store, submission.Request{
		Spec: s, ID: r.id, At: time.Now(),
		Files: map[string][]byte{spec.RoleTasks: countdown.Train(), spec.RoleEval: few},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// done waits until the job is done.
func (r *trial) done(t *testing.T) *job.Head {
	t.Helper()
	head := r.until(t, "end", func(head *job.Head) bool { return head.End != nil })
	if head.End.Verdict != job.Done {
		t.Fatalf("the job ended %s: %+v", head.End.Verdict, head.End)
	}
	return head
}

// reaches waits until the step is committed.
func (r *trial) reaches(t *testing.T, step int) {
	t.Helper()
	r.until(t, "get on", func(head *job.Head) bool { return head.Step >= step || head.End != nil })
}

// until waits until the job is as wanted.
func (r *trial) until(t *testing.T, what string, wanted func(*job.Head) bool) *job.Head {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		head, err := submission.Look(ctx, r.store, r.id)
		if err == nil && head != nil && wanted(head) {
			return head
		}
		select {
		case <-r.coordinator.done:
			t.Fatalf("the coordinator ended: %v", r.coordinator.err)
		case <-ctx.Done():
			t.Fatalf("the job did not %s within %v: %+v, %v", what, patience, head, err)
		case <-tick.C:
		}
	}
}

// settledBy counts the shards that each worker settled.
func (r *trial) settledBy(t *testing.T) map[string]int {
	t.Helper()
	shards := map[string]int{}
	for object, err := range r.store.List(t.Context(), r.id.Prefix(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(object.Key, "/settled/") {
			continue
		}
		found, err := r.store.Get(t.Context(), object.Key)
		if err != nil {
			t.Fatal(err)
		}
		var record struct {
			Done job.Settlement `json:"done"`
		}
		if err := json.Unmarshal(found.Body, &record); err != nil {
			t.Fatal(err)
		}
		shards[record.Done.Worker]++
	}
	return shards
}
