package router_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/examples/router"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/offline"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

// collected are the traces of a folder, as submitting the example's job reads them.
func collected(t *testing.T, dir string) (*spec.Spec, *offline.Collected) {
	t.Helper()
	body, err := os.ReadFile("job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Decode("job.yaml", body)
	if err != nil {
		t.Fatal(err)
	}
	gathering, err := threads.NewGathering(threads.DefaultRules(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if err := (files.Source{Path: dir, Limits: files.DefaultLimits()}).Read(t.Context(), gathering); err != nil {
		t.Fatal(err)
	}
	all, tally, err := gathering.Threads()
	if err != nil || tally.SetAside > 0 {
		t.Fatal(tally.Aside, err)
	}
	scorer, err := reward.New(s.Reward, reward.Services{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := offline.Collect(t.Context(), s, all, scorer, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestTrainedRouterBeatsTheOneThatLoggedItsTraces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := router.Config{Seed: 7, Tasks: 60, Conversations: 16, Start: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	if err := router.Files(t.Context(), c, dir); err != nil {
		t.Fatal(err)
	}
	s, got := collected(t, dir)
	r := got.Report
	if r.Threads != 960 || r.Train+r.Held < 800 || r.Train+r.Held > 940 || r.HeldTasks != 18 || r.TrainTasks != 42 || len(r.Unused) != 3 {
		t.Fatalf("%+v", r)
	}
	sum := r.Train + r.Held
	for _, c := range r.Unused {
		sum += c.Threads
		switch c.Reason {
		case job.NoReward, job.IncompleteTrace, offline.NoBehaviour:
		default:
			t.Errorf("not used: %+v", c)
		}
	}
	if sum != r.Threads {
		t.Errorf("%d threads have a fate, there are %d", sum, r.Threads)
	}
	tasks, err := offline.ReadTasks(got.Tasks)
	if err != nil {
		t.Fatal(err)
	}
	held, err := offline.ReadTasks(got.Held)
	if err != nil {
		t.Fatal(err)
	}
	e := train(t, s, got.Tasks, tasks, held)
	t.Logf("logged %+v, trained %+v, gain %+v", e.Logged, e.Trained, e.Gain)
	if e.Gain.Low <= 0 || e.Normalised.Low <= e.Logged.Mean {
		t.Fatalf("the trained router is no better: %+v", e)
	}
}

// train makes the steps of the job as its coordinator and workers do.
func train(t *testing.T, s *spec.Spec, body []byte, tasks, held []*offline.Task) *offline.Estimate {
	t.Helper()
	def := &job.Definition{ID: "router", Spec: s, Tasks: job.DataSet{Blob: blob.RefOf(body), Lines: len(tasks)}}
	l, err := learner.New(s)
	if err != nil {
		t.Fatal(err)
	}
	for step := 1; step <= s.Steps; step++ {
		plan := def.PlanRound(job.Unit{Job: def.ID, Step: step}, job.PolicyRef{}, 0)
		var samples []batch.Sample
		for g, line := range plan.Tasks {
			for r, k := range plan.Drawn(s.Seed, g, len(tasks[line].Threads)) {
				sample, err := tasks[line].Threads[k].Sample(line, g, r, s.Policy.Features)
				if err != nil {
					t.Fatal(err)
				}
				samples = append(samples, sample)
			}
		}
		if _, err := l.Step(step, samples); err != nil {
			t.Fatal(err)
		}
	}
	trained, err := checkpoint.Policy(l.State().Weights)
	if err != nil {
		t.Fatal(err)
	}
	e, err := offline.Evaluate(trained, held)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestTracesAreAFunctionOfTheSeed(t *testing.T) {
	t.Parallel()
	c := router.Config{Seed: 3, Tasks: 10, Conversations: 4, Start: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	var all []*offline.Collected
	for range 2 {
		dir := filepath.Join(t.TempDir(), "traces")
		if err := router.Files(t.Context(), c, dir); err != nil {
			t.Fatal(err)
		}
		_, got := collected(t, dir)
		all = append(all, got)
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Error("twice the same seed gave other traces")
	}
}
