package offline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/offline"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
	"github.com/cohort-rl/cohort/traces/threads"
)

func decoded(t *testing.T, more string) *spec.Spec {
	t.Helper()
	s, err := spec.Decode("f", []byte("name: a\nsteps: 1\npolicy: {kind: linear, features: 2}\ntasks: {groups: 1}\noptimizer: {learning_rate: 0.1}\ntraces: {offline: {source: x, held_out: 0.25}}\n"+more))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// thread is a whole thread of a task with one decision and a reward.
func thread(id, task string, value float64) threads.Thread {
	p := -0.5
	return threads.Thread{ID: id, Task: task, State: threads.Complete, Roots: []*threads.Node{{
		Rewards: []convention.Reward{{Value: value}},
		Children: []*threads.Node{{
			Decision: &convention.Decision{Chosen: 1, LogProb: &p, Width: 2, Features: []float64{1, 0, 0, 1}},
		}},
	}}}
}

func collect(t *testing.T, s *spec.Spec, all []threads.Thread, before policy.Policy) (*offline.Collected, error) {
	t.Helper()
	scorer, err := reward.New(s.Reward, reward.Services{})
	if err != nil {
		t.Fatal(err)
	}
	return offline.Collect(t.Context(), s, all, scorer, before)
}

func TestEveryThreadIsUsedOrNotForAReasonWithAName(t *testing.T) {
	t.Parallel()
	var all []threads.Thread
	add := func(id string, change func(*threads.Thread)) {
		x := thread(id, "task-"+id[:1], 1)
		change(&x)
		all = append(all, x)
	}
	keep := func(*threads.Thread) {}
	for i := range 4 { // four tasks of which two threads each are whole
		add(fmt.Sprintf("%d-a", i), keep)
		add(fmt.Sprintf("%d-b", i), func(x *threads.Thread) { x.State = threads.Errored })
	}
	want := map[string]job.Reason{"7-alone": job.GroupTooSmall}
	add("7-alone", keep)
	for id, c := range map[string]struct {
		reason job.Reason
		change func(*threads.Thread)
	}{
		"0-open":       {job.IncompleteTrace, func(x *threads.Thread) { x.State, x.Reason = threads.Open, "no root span yet" }},
		"0-orphaned":   {job.IncompleteTrace, func(x *threads.Thread) { x.State = threads.Orphaned }},
		"0-corrupt":    {job.CorruptTrace, func(x *threads.Thread) { x.State = threads.Corrupt }},
		"0-taskless":   {offline.NoTask, func(x *threads.Thread) { x.Task = "" }},
		"0-undecided":  {job.NoDecision, func(x *threads.Thread) { x.Roots[0].Children = nil }},
		"0-wide":       {job.CorruptTrace, func(x *threads.Thread) { x.Roots[0].Children[0].Decision.Width = 4 }},
		"0-out":        {job.CorruptTrace, func(x *threads.Thread) { x.Roots[0].Children[0].Decision.Chosen = 2 }},
		"0-unlikely":   {offline.NoBehaviour, func(x *threads.Thread) { x.Roots[0].Children[0].Decision.LogProb = nil }},
		"0-likely":     {job.CorruptTrace, func(x *threads.Thread) { *x.Roots[0].Children[0].Decision.LogProb = 0.5 }},
		"0-unrewarded": {job.NoReward, func(x *threads.Thread) { x.Roots[0].Rewards = nil }},
		"0-other":      {job.NoReward, func(x *threads.Thread) { x.Roots[0].Rewards[0].Name = "style" }},
	} {
		want[id] = c.reason
		add(id, c.change)
	}
	s := decoded(t, "seed: 2\n")
	got, err := collect(t, s, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(got.Rows)), "\n")
	if len(rows) != len(all) || !slices.IsSorted(rows) {
		t.Fatalf("%d rows for %d threads", len(rows), len(all))
	}
	for id, reason := range want {
		line := rows[slices.IndexFunc(rows, func(l string) bool { return strings.Contains(l, `"thread":"`+id+`"`) })]
		held := strings.Contains(line, `"fate":"held out"`) // a task of one thread may be
		if !held && !strings.Contains(line, fmt.Sprintf(`"fate":"not used","reason":%q`, reason)) {
			t.Errorf("%s: %s; want %s", id, line, reason)
		}
		if strings.Contains(string(got.Tasks), `"`+id+`"`) {
			t.Errorf("%s is used all the same", id)
		}
	}
	r := got.Report
	sum := r.Train + r.Held
	for _, c := range r.Unused {
		sum += c.Threads
	}
	if sum != len(all) || r.HeldTasks != 1 || r.Train < 6 {
		t.Fatalf("%+v", r)
	}
	// A failure score is a reward, and only where the spec has one.
	scored := decoded(t, "seed: 2\nreward: {failure_score: -1}\n")
	if got, err = collect(t, scored, all, nil); err != nil || !strings.Contains(string(got.Rows), `{"thread":"0-unrewarded","task":"task-0","fate":"held out","reward":-1}`) {
		t.Errorf("%s, %v", got.Rows, err)
	}
	dropped := decoded(t, "seed: 2\n")
	dropped.Traces.Offline.Errored = "drop"
	if _, err = collect(t, dropped, all, nil); !errors.Is(err, offline.ErrNothing) || !strings.Contains(err.Error(), "4 agent error") {
		t.Error(err)
	}
}

func TestLikelihoodsThatWereNotRecordedAreComputedIfTheSpecAllows(t *testing.T) {
	t.Parallel()
	var all []threads.Thread
	for i := range 8 {
		x := thread(fmt.Sprint(i), fmt.Sprint("t", i/2), float64(i))
		x.Roots[0].Children[0].Decision.LogProb = nil
		all = append(all, x)
	}
	s := decoded(t, "")
	if _, err := collect(t, s, all, nil); !errors.Is(err, offline.ErrNothing) || !strings.Contains(err.Error(), "8 no behaviour log-probability") {
		t.Fatal(err)
	}
	before, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	copy(before.Weights().Flat, []float32{0, 2})
	got, err := collect(t, s, all, before)
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := offline.ReadTasks(got.Tasks)
	if err != nil || tasks[0].Threads[0].Decisions[0].LogProb > -0.12 || tasks[0].Threads[0].Decisions[0].LogProb < -0.13 {
		t.Fatal(tasks, err)
	}
}

// TestMissingThreadsChangeNoOtherGroup: of the threads any may be missing or not
// be whole, and they come in any order; the others stay in the groups of their
// tasks, with their own rewards.
func TestMissingThreadsChangeNoOtherGroup(t *testing.T) {
	t.Parallel()
	s := decoded(t, "grpo: {min_group: 1, zero_variance: keep}\n")
	for draw := range uint64(10) {
		r := rand.New(rand.NewPCG(draw, 0))
		missing := r.Perm(24)[:r.IntN(12)]
		var left []threads.Thread
		for _, i := range r.Perm(24) {
			x := thread(fmt.Sprintf("thread-%02d", i), fmt.Sprintf("task-%d", i%4), float64(i))
			switch slices.Index(missing, i) % 2 {
			case 0:
				continue
			case 1:
				x.State = threads.Open
			}
			left = append(left, x)
		}
		got, err := collect(t, s, left, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, body := range [][]byte{got.Tasks, got.Held} {
			tasks, err := offline.ReadTasks(body)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range tasks {
				for _, x := range task.Threads {
					var i int
					if _, err := fmt.Sscanf(x.Thread, "thread-%d", &i); err != nil || task.Task != fmt.Sprintf("task-%d", i%4) || x.Reward != float64(i) {
						t.Fatalf("%s is in %s with reward %v", x.Thread, task.Task, x.Reward)
					}
					seen++
				}
			}
		}
		if want := 24 - len(missing); seen != want {
			t.Fatalf("%d of %d threads are used", seen, want)
		}
	}
}
