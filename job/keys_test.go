package job_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

func phases() []job.Phase {
	return []job.Phase{
		job.Rollout, job.Collect, job.Extract, job.Assemble,
		job.Gradient(0, 1), job.Gradient(1, 0), job.Gradient(0, 11), job.Gradient(1, 1),
	}
}

func drawUnit(t *rapid.T) job.Unit {
	u := job.Unit{Job: job.ID(rapid.SampledFrom([]string{"a", "b", "a-1"}).Draw(t, "job")), Step: rapid.IntRange(0, 1000).Draw(t, "step")}
	if rapid.Bool().Draw(t, "evaluation") {
		u.Eval = manifest(u.Step)
		return u
	}
	u.Generation, u.Round = rapid.IntRange(0, 10).Draw(t, "generation"), rapid.IntRange(0, 10).Draw(t, "round")
	return u
}

func drawShard(t *rapid.T) job.Shard {
	return job.Shard{
		Unit: drawUnit(t), Collection: rapid.IntRange(0, 9).Draw(t, "collection"),
		Phase: rapid.SampledFrom(phases()).Draw(t, "phase"), Index: rapid.IntRange(0, 2000).Draw(t, "index"),
	}
}

// keysOf are all keys that belong to a shard and its unit.
func keysOf(s job.Shard) []string {
	u := s.Unit
	return []string{
		u.PlanKey(), u.OpenedKey(s.Collection), u.RangesKey(s.Collection), u.DriverKey(s.Collection, s.Phase, 1),
		s.SettledKey(), s.TermsKey(), s.RedriveKey(2), u.ResultKey(), u.BlobPrefix() + string(manifest(9)),
		u.Job.SpecKey(), u.Job.HeadKey(), u.Job.LogKey(3), u.Job.ControlKey(0), u.Job.DataKey(manifest(9)),
		u.Job.ActiveKey(), u.Job.DeletedKey(), job.SubmissionKey(string(u.Job)), job.DeploymentKey,
	}
}

func TestKeysAreValidAndUnique(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawShard(t)
		keys := keysOf(s)
		for _, key := range keys {
			if err := blob.CheckKey(key); err != nil {
				t.Fatal(err)
			}
		}
		if len(slices.Compact(slices.Sorted(slices.Values(keys)))) != len(keys) {
			t.Fatalf("keys %q are not all different", keys)
		}
	})
}

// Two shards share no name: not the settled record, not the task, not the
// redrive; the groups that barriers wait for differ by all but the index.
func TestDifferentShardsHaveDifferentNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawShard(t), drawShard(t)
		if rapid.Bool().Draw(t, "siblings") {
			b = a
			b.Index++
		}
		same := a == b
		if a.Unit.Eval != "" && b.Unit.Eval != "" && a.Unit.Job == b.Unit.Job && a.Unit.Step == b.Unit.Step {
			same = a.Collection == b.Collection && a.Phase == b.Phase && a.Index == b.Index
		}
		for name, equal := range map[string]bool{
			"settled": a.SettledKey() == b.SettledKey(),
			"terms":   a.TermsKey() == b.TermsKey(),
			"redrive": a.RedriveKey(2) == b.RedriveKey(2),
			"task":    a.TaskID(1) == b.TaskID(1),
			"string":  a.String() == b.String(),
		} {
			if equal != same {
				t.Fatalf("%s of %+v and %+v: equal %v, want %v", name, a, b, equal, same)
			}
		}
		a.Index, b.Index = 0, 0
		if (a.Group() == b.Group()) != (a == b) {
			t.Fatalf("groups %s and %s", a.Group(), b.Group())
		}
		if a.TaskID(1) == a.TaskID(2) || a.RedriveKey(2) == a.RedriveKey(3) {
			t.Fatal("two drives have one name")
		}
	})
}

func TestByteOrderOfKeysIsTheirNumbersOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.IntRange(0, 1<<40).Draw(t, "a"), rapid.IntRange(0, 1<<40).Draw(t, "b")
		id := job.ID("j")
		u := job.Unit{Job: id, Step: 1}
		for name, order := range map[string]int{
			"log":     strings.Compare(id.LogKey(a), id.LogKey(b)),
			"control": strings.Compare(id.ControlKey(a), id.ControlKey(b)),
			"steps":   strings.Compare(id.StepPrefix(0, a), id.StepPrefix(0, b)),
			"drivers": strings.Compare(u.DriverKey(0, job.Rollout, a), u.DriverKey(0, job.Rollout, b)),
			"settled": strings.Compare(job.Shard{Unit: u, Phase: job.Rollout, Index: a}.SettledKey(), job.Shard{Unit: u, Phase: job.Rollout, Index: b}.SettledKey()),
			"epochs":  strings.Compare(job.Shard{Unit: u, Phase: job.Gradient(a, 0)}.SettledKey(), job.Shard{Unit: u, Phase: job.Gradient(b, 0)}.SettledKey()),
		} {
			if want := min(1, max(-1, a-b)); order != want {
				t.Fatalf("%s of %d and %d: order %d, want %d", name, a, b, order, want)
			}
		}
	})
}

func TestThreadIdsAreUniqueAndBeginWithTheirPrefix(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	count := 0
	for _, u := range []job.Unit{
		{Job: "a", Step: 1},
		{Job: "a", Step: 11},
		{Job: "a-1", Step: 1},
		{Job: "a", Step: 1, Eval: manifest(1)},
		{Job: "a", Step: 11, Eval: manifest(11)},
	} {
		for _, group := range []int{0, 1, 11} {
			for _, rollout := range []int{0, 1, 11} {
				for _, nonce := range []string{"n", "m"} {
					id := u.ThreadID(group, rollout, nonce)
					if !strings.HasPrefix(id, u.ThreadPrefix()) {
						t.Errorf("thread %s does not begin with %s", id, u.ThreadPrefix())
					}
					seen[id] = true
					count++
				}
			}
		}
	}
	if len(seen) != count {
		t.Errorf("%d executions have %d thread ids", count, len(seen))
	}
}

func TestThreadPrefixOfOneStepFitsNoOther(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawUnit(t), drawUnit(t)
		sameStep := a.Job == b.Job && a.Step == b.Step && a.Eval == b.Eval
		if fits := strings.HasPrefix(b.ThreadID(1, 1, "n"), a.ThreadPrefix()); fits != sameStep {
			t.Fatalf("prefix %s fits thread %s: %v, want %v", a.ThreadPrefix(), b.ThreadID(1, 1, "n"), fits, sameStep)
		}
	})
}

func TestJobIdsFromOutsideAreChecked(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		"a": true, "countdown-1": true, "0": true, strings.Repeat("x", 64): true,
		"": false, "-a": false, "A": false, "a/b": false, "..": false, "a b": false, "a\n": false, strings.Repeat("x", 65): false,
	} {
		id, err := job.ParseID(text)
		if (err == nil) != valid || valid && string(id) != text {
			t.Errorf("%q: %q, %v", text, id, err)
		}
	}
}
