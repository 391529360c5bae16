package worker_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/job"
)

// request puts a request to the job of a site.
func (x *site) request(n int, action job.Action) {
	x.t.Helper()
	adopt(x.t, x.store, job.ID("j").ControlKey(n), job.ControlFormat, &job.Control{Format: job.ControlFormat, Action: action})
}

// A shard that is in hand when its job is paused is put down, the next is not
// begun, and after the job was resumed both are done.
func TestShardOfAPausedJobIsPutDown(t *testing.T) {
	t.Parallel()
	var x *site
	ready := make(chan struct{})
	var paused sync.Once
	var mu sync.Mutex // guards what follows
	asked, resumed := 0, false
	x = open(t, func(w http.ResponseWriter, r *http.Request) {
		<-ready
		paused.Do(func() { x.request(0, job.ActionPause) })
		mu.Lock()
		defer mu.Unlock()
		if asked++; resumed {
			always(http.StatusOK, `{"events":1}`)(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}, nil)
	close(ready)
	if err := x.worker.Handle(t.Context(), x.task); err != nil || !x.open() {
		t.Fatalf("error %v, open %v", err, x.open())
	}
	mu.Lock()
	before := asked
	mu.Unlock()
	if err := x.worker.Handle(t.Context(), x.task); err != nil || !x.open() {
		t.Fatalf("the next: error %v, open %v", err, x.open())
	}
	mu.Lock()
	if asked != before {
		t.Errorf("the agent was asked %d times for a job that is known to stand still", asked-before)
	}
	resumed = true
	mu.Unlock()
	x.request(1, job.ActionResume)
	if r := x.settled(); r.Done.Worker != "w" {
		t.Errorf("record %+v", r)
	}
}

// Requests that came before the worker knew the job count, and only the last of
// them that can be read.
func TestWorkerReadsAllRequestsToAJob(t *testing.T) {
	t.Parallel()
	x := open(t, always(http.StatusOK, `{"events":1}`), nil)
	x.request(0, job.ActionPause)
	put(t, x.store, job.ID("j").ControlKey(1), []byte("garbage"))
	x.request(2, job.ActionResume)
	if r := x.settled(); r.Done.Worker != "w" {
		t.Errorf("record %+v", r)
	}
}
