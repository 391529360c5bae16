package worker_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/worker"
)

// unasked is an agent that nobody may ask.
func unasked(t *testing.T) http.HandlerFunc {
	t.Helper()
	return func(http.ResponseWriter, *http.Request) { t.Error("the agent was asked") }
}

// anothers is the record of another worker.
func anothers(x *site) *job.RolloutRecord {
	r := &job.RolloutRecord{Format: job.RolloutFormat, Done: job.Settlement{Worker: "another"}}
	for i := range 2 {
		g, rollout := x.plan.At(i)
		r.Executions = append(r.Executions, job.Execution{Group: g, Rollout: rollout, Nonce: "theirs", Executions: 1})
	}
	return r
}

func TestSettledShardIsLeftAlone(t *testing.T) {
	t.Parallel()
	x := open(t, unasked(t), nil)
	adopt(t, x.store, x.task.Shard.SettledKey(), job.RolloutFormat, anothers(x))
	if err := x.worker.Handle(t.Context(), x.task); err != nil {
		t.Error(err)
	}
}

func TestTaskOfAnotherVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(task *queue.Task){
		"version": func(task *queue.Task) { task.Version++ },
		"none":    func(task *queue.Task) { task.Version = 0 },
		"terms":   func(task *queue.Task) { task.Shard.Phase = job.Gradient(0, 0) },
		"phase":   func(task *queue.Task) { task.Shard.Phase = "gradient" },
		"index":   func(task *queue.Task) { task.Shard.Index = 2 },
		"below":   func(task *queue.Task) { task.Shard.Index = -1 },
		"unit":    func(task *queue.Task) { task.Shard.Unit.Step = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := open(t, unasked(t), nil)
			change(&x.task)
			err := x.worker.Handle(t.Context(), x.task)
			if err == nil || (name == "version" || name == "none") && !errors.Is(err, worker.ErrOtherVersion) {
				t.Errorf("error is %v", err)
			}
			if !x.open() {
				t.Error("the shard was settled")
			}
		})
	}
}

// Work that an older build knew is done for it.
func TestTaskOfAnEarlierVersionIsDone(t *testing.T) {
	t.Parallel()
	x := open(t, always(http.StatusOK, `{"events":1}`), nil)
	if x.task.Version = queue.VersionOf(job.Rollout); x.task.Version >= queue.VersionOf(job.Gradient(0, 0)) {
		t.Fatalf("rollouts are of version %d", x.task.Version)
	}
	if r := x.settled(); r.Done.Worker != "w" {
		t.Errorf("record %+v", r)
	}
}

// Who loses the race for the record is superseded: what counts is what is there.
func TestLoserOfTheRaceAdoptsTheRecord(t *testing.T) {
	t.Parallel()
	var x *site
	ready := make(chan struct{})
	x = open(t, func(w http.ResponseWriter, r *http.Request) {
		<-ready
		adopt(t, x.store, x.task.Shard.SettledKey(), job.RolloutFormat, anothers(x))
		always(http.StatusOK, `{"events":1}`)(w, r)
	}, nil)
	close(ready)
	if r := x.settled(); r.Done.Worker != "another" || r.Executions[0].Nonce != "theirs" {
		t.Errorf("record %+v", r)
	}
}

func TestShardOfACancelledJobIsPutDown(t *testing.T) {
	t.Parallel()
	var x *site
	ready := make(chan struct{})
	var cancelled sync.Once
	x = open(t, func(w http.ResponseWriter, _ *http.Request) {
		<-ready
		cancelled.Do(func() {
			adopt(t, x.store, job.ID("j").ControlKey(0), job.ControlFormat, &job.Control{Format: job.ControlFormat, Action: job.ActionCancel})
		})
		w.WriteHeader(http.StatusServiceUnavailable)
	}, nil)
	close(ready)
	if err := x.worker.Handle(t.Context(), x.task); err != nil || !x.open() {
		t.Errorf("error %v, open %v", err, x.open())
	}
}

// A further collection asks again only for what has no fate yet. Where the log
// was whole and an agent had promised more than it sent, that cost an attempt.
func TestFurtherCollectionKeepsWhatWasSpent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		losses []job.Loss
		spent  int // of the second rollout, before
	}{
		"promised":                      {[]job.Loss{{Kind: job.LostPromised, Rollout: 1}}, 2},
		"another's":                     {[]job.Loss{{Kind: job.LostPromised, Group: 1, Rollout: 1}}, 1},
		"log not whole":                 {[]job.Loss{{Kind: job.LostPromised, Rollout: 1}, {Kind: job.LostMarker}}, 1},
		"opening marker, no collection": {nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			x := open(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				always(http.StatusInternalServerError, "")(w, r)
			}, func(s *spec.Spec) { s.Agent.Attempts = 3 })
			before := anothers(x)
			before.Executions[0].Reason, before.Executions[0].Attempts = job.AgentTimeout, 3
			before.Executions[1].Attempts = 1
			adopt(t, x.store, x.task.Shard.SettledKey(), job.RolloutFormat, before)
			if c.losses != nil {
				collect := x.task.Shard
				collect.Phase = job.Collect
				adopt(t, x.store, collect.SettledKey(), job.CollectFormat, &job.CollectRecord{Format: job.CollectFormat, Losses: c.losses})
			}
			x.task.Shard.Collection = 1
			r := x.settled()
			if first := r.Executions[0]; first.Reason != job.AgentTimeout || first.Nonce != "theirs" || first.Attempts != 3 {
				t.Errorf("what failed before is now %+v", first)
			}
			if second := r.Executions[1]; second.Reason != job.AgentError || second.Attempts != 3 || int(asked.Load()) != 3-c.spent {
				t.Errorf("asked %d times, want %d: %+v", asked.Load(), 3-c.spent, second)
			}
		})
	}
}
