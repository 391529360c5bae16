package profile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/bench/profile"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
)

// at is a moment of the tests' time, so many milliseconds after its start.
func at(ms int) time.Time {
	return time.Unix(1_000_000_000, 0).Add(time.Duration(ms) * time.Millisecond)
}

func asked(who, method, key string, began, ended int) profile.Request {
	return profile.Request{Who: who, Method: method, Key: key, Began: at(began), Ended: at(ended), OK: true}
}

// step is what the coordinator asks the store for in a step that begins at ms.
func step(n, ms int) []profile.Request {
	u := job.Unit{Job: "j", Step: n}
	collect := job.Shard{Unit: u, Phase: job.Collect}
	missing := asked("coordinator", "get", collect.SettledKey(), ms+60, ms+61)
	missing.OK = false
	return []profile.Request{
		asked("coordinator", "put", u.PlanKey(), ms, ms+10),
		asked("coordinator", "get", u.RangesKey(0), ms+50, ms+51),
		asked("coordinator", "put", u.RangesKey(0), ms+55, ms+60),
		missing,
		asked("worker", "head", collect.SettledKey(), ms+62, ms+63),
		asked("worker", "put", collect.SettledKey(), ms+63, ms+66),
		asked("coordinator", "get", collect.SettledKey(), ms+67, ms+70),
		asked("coordinator", "put", u.Job.LogKey(n), ms+91, ms+100),
	}
}

func TestPhasesAddUpToTheStep(t *testing.T) {
	t.Parallel()
	requests := append(step(1, 0), step(2, 100)...)
	requests = append(requests, step(3, 200)[:7]...) // it was cancelled
	requests = append(requests, asked("worker", "put", job.Unit{Job: "j", Step: 2}.PlanKey(), 500, 600))
	attempts := []profile.Attempt{
		{Step: 2, Began: at(115), Ended: at(125)},
		{Step: 2, Began: at(120), Ended: at(130)},
		{Step: 2, Began: at(140), Ended: at(145)},
		{Step: 1, Began: at(20), Ended: at(30)},
	}
	steps := profile.Steps(requests, attempts)
	if len(steps) != 1 {
		t.Fatalf("%d steps: %+v", len(steps), steps)
	}
	s := steps[0]
	if got, want := fmt.Sprint(s.Phases), "[10ms 5ms 30ms 5ms 10ms 2ms 4ms 4ms 21ms 9ms]"; got != want {
		t.Errorf("phases are %s, want %s", got, want)
	}
	if s.Number != 2 || s.Time != 100*time.Millisecond || s.Agent != 20*time.Millisecond {
		t.Errorf("step %+v", s)
	}
	costs := profile.Costs(requests, steps)
	if first := costs[0]; first.Method != "put" || first.Class != "plans" || first.PerStep != 1 || first.Mean != 10*time.Millisecond {
		t.Errorf("the first of the costs %+v", costs)
	}
}

func TestClassIsTheKindOfObject(t *testing.T) {
	t.Parallel()
	id := job.ID("j")
	u := job.Unit{Job: id, Step: 3}
	eval := job.Unit{Job: id, Eval: blob.DigestOf(nil)}
	for key, want := range map[string]string{
		id.ActiveKey():    "active",
		id.SpecKey():      "spec",
		id.HeadKey():      "head",
		id.LogKey(7):      "log",
		u.PlanKey():       "plans",
		eval.PlanKey():    "evals",
		u.BlobPrefix():    "steps",
		job.DeploymentKey: "deployment.json",
		job.Shard{Unit: u, Phase: job.Rollout}.SettledKey(): "settled/rollout",
	} {
		if got := profile.Class(key); got != want {
			t.Errorf("class of %s is %q, want %q", key, got, want)
		}
	}
}

func TestRecorderTakesEveryRequestDown(t *testing.T) {
	t.Parallel()
	var r profile.Recorder
	b := r.Bucket("worker", mem.New())
	if _, err := b.Get(t.Context(), "a"); err == nil {
		t.Error("there is an object")
	}
	if _, err := b.Put(t.Context(), "a", []byte("x"), blob.Always()); err != nil {
		t.Error(err)
	}
	_, _ = b.Head(t.Context(), "a")
	_ = b.Delete(t.Context(), "a")
	for info, err := range b.List(t.Context(), "a", "") {
		t.Errorf("listed is %v, error %v", info, err)
	}
	var got []string
	for _, q := range r.Requests() {
		got = append(got, fmt.Sprintf("%s %s %s %t", q.Who, q.Method, q.Key, q.OK))
	}
	if want := "[worker get a false worker put a true worker head a true worker delete a true worker list a true]"; fmt.Sprint(got) != want {
		t.Errorf("taken down is %v, want %s", got, want)
	}
}
