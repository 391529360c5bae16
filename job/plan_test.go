package job_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// draws are the tasks that round 0 of steps 1..steps draws, one after another.
func draws(t *rapid.T, def *job.Definition, steps int) []int {
	var tasks []int
	for step := 1; step <= steps; step++ {
		plan := def.PlanRound(job.Unit{Job: def.ID, Step: step}, job.PolicyRef{}, 0)
		if len(plan.Tasks) != def.Spec.Tasks.Groups {
			t.Fatalf("step %d draws %d tasks, want %d", step, len(plan.Tasks), def.Spec.Tasks.Groups)
		}
		tasks = append(tasks, plan.Tasks...)
	}
	return tasks
}

func drawDefinition(t *rapid.T) job.Definition {
	s := new(spec.Spec)
	s.Seed = rapid.Uint64Range(0, job.MaxSeed).Draw(t, "seed")
	s.Tasks.Groups = rapid.IntRange(1, 9).Draw(t, "groups")
	s.Tasks.Rollouts = rapid.IntRange(1, 9).Draw(t, "rollouts")
	s.Traces.Partitions = rapid.IntRange(1, 5).Draw(t, "partitions")
	s.Limits.ShardRollouts = rapid.IntRange(1, 20).Draw(t, "shard_rollouts")
	s.Limits.CollectRollouts = rapid.IntRange(1, 60).Draw(t, "collect_rollouts")
	return job.Definition{ID: "a", Spec: s, Tasks: job.DataSet{Lines: rapid.IntRange(1, 12).Draw(t, "lines")}}
}

func TestEachTaskIsDrawnOnceAnEpoch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		def := drawDefinition(t)
		size := def.Tasks.Lines
		tasks := draws(t, &def, 2*size)
		for ; len(tasks) >= size; tasks = tasks[size:] {
			epoch := slices.Sorted(slices.Values(tasks[:size]))
			for i, task := range epoch {
				if task != i {
					t.Fatalf("an epoch of %d tasks draws %v", size, epoch)
				}
			}
		}
	})
}

// Plans are a function of the spec and the data alone, so continuing jobs and
// equal jobs of another name draw the same.
func TestDrawsDependOnSeedAndStepAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		def := drawDefinition(t)
		step, round := rapid.IntRange(1, 9).Draw(t, "step"), rapid.IntRange(0, 2).Draw(t, "round")
		other := def
		other.ID = "another"
		a := def.PlanRound(job.Unit{Job: def.ID, Step: step, Round: round}, job.PolicyRef{}, 0)
		b := other.PlanRound(job.Unit{Job: other.ID, Generation: 3, Step: step, Round: round}, job.PolicyRef{Manifest: manifest(1)}, 40)
		if !reflect.DeepEqual(a.Tasks, b.Tasks) || a.Layout != b.Layout {
			t.Fatalf("tasks %v and %v, layouts %+v and %+v", a.Tasks, b.Tasks, a.Layout, b.Layout)
		}
		for g := range a.Tasks {
			if x, y := a.Unit.RolloutSeed(def.Spec.Seed, g, 1), b.Unit.RolloutSeed(def.Spec.Seed, g, 1); x != y {
				t.Fatalf("seeds of group %d: %d and %d", g, x, y)
			}
		}
		for _, task := range a.Tasks {
			if task < 0 || task >= def.Tasks.Lines {
				t.Fatalf("task %d of %d", task, def.Tasks.Lines)
			}
		}
	})
}

func TestAnotherSeedOrRoundDrawsOtherTasks(t *testing.T) {
	t.Parallel()
	def := define(t, func(s *spec.Spec) { s.Tasks.Groups = 100 })
	def.Tasks.Lines = 1000
	tasks := func(seed uint64, round int) []int {
		s := *def.Spec
		s.Seed = seed
		d := def
		d.Spec = &s
		return d.PlanRound(job.Unit{Job: d.ID, Step: 1, Round: round}, job.PolicyRef{}, 0).Tasks
	}
	first := tasks(1, 0)
	for name, other := range map[string][]int{"seed": tasks(2, 0), "round": tasks(1, 1), "later round": tasks(1, 2)} {
		if slices.Equal(first, other) {
			t.Errorf("another %s draws the same tasks", name)
		}
	}
}

func TestSeedsOfRolloutsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[uint64]bool{}
	count := 0
	for _, u := range []job.Unit{{Step: 1}, {Step: 2}, {Step: 1, Eval: manifest(1)}} {
		for group := range 20 {
			for rollout := range 20 {
				seed := u.RolloutSeed(7, group, rollout)
				if seed > job.MaxSeed {
					t.Fatalf("seed %d is above %d", seed, uint64(job.MaxSeed))
				}
				seen[seed] = true
				count++
			}
		}
	}
	if len(seen) != count {
		t.Errorf("%d rollouts have %d seeds", count, len(seen))
	}
}

func TestEvaluationAttemptsEachHeldOutTaskOnceGreedily(t *testing.T) {
	t.Parallel()
	def := define(t, func(s *spec.Spec) { s.Eval = &spec.Eval{} })
	plan := def.PlanEvaluation(job.Unit{Job: def.ID, Eval: manifest(0)}, job.PolicyRef{})
	if !plan.Greedy || plan.Rollouts != 1 || !slices.Equal(plan.Tasks, []int{0, 1, 2}) || plan.Data != def.Eval.Blob.Digest {
		t.Errorf("plan is %+v", plan)
	}
	def.Spec.Eval.Tasks = 2
	if plan := def.PlanEvaluation(job.Unit{}, job.PolicyRef{}); !slices.Equal(plan.Tasks, []int{0, 1}) {
		t.Errorf("the first two tasks are %v", plan.Tasks)
	}
}

// Every rollout belongs to exactly one rollout shard and one collect or
// assemble shard, groups stay whole, and places and names agree.
func TestShardsCoverThePlanOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		def := drawDefinition(t)
		first := rapid.IntRange(0, 50).Draw(t, "first")
		plan := def.PlanRound(job.Unit{Job: def.ID, Step: 1}, job.PolicyRef{}, first)
		for i := range plan.Planned() {
			group, rollout := plan.At(i)
			if plan.Index(group, rollout) != i {
				t.Fatalf("rollout %d is %d/%d, which is %d", i, group, rollout, plan.Index(group, rollout))
			}
		}
		for _, outside := range [][2]int{{first - 1, 0}, {first + len(plan.Tasks), 0}, {first, -1}, {first, plan.Rollouts}} {
			if got := plan.Index(outside[0], outside[1]); got != -1 {
				t.Fatalf("%v is not planned and has place %d", outside, got)
			}
		}
		phases := plan.CollectPhases()
		for _, phase := range []job.Phase{job.Rollout, phases[len(phases)-1]} {
			next := 0
			for shard := range plan.Shards(phase) {
				from, to := plan.Span(phase, shard)
				if from != next || to <= from {
					t.Fatalf("%s shard %d covers [%d, %d), %d is next", phase, shard, from, to, next)
				}
				checkShard(t, &def, plan, phase, shard)
				next = to
			}
			if next != plan.Planned() {
				t.Fatalf("the %s shards cover %d of %d rollouts", phase, next, plan.Planned())
			}
		}
		if len(phases) == 2 && plan.Shards(job.Extract) != def.Spec.Traces.Partitions {
			t.Fatalf("%d extract shards for %d partitions", plan.Shards(job.Extract), def.Spec.Traces.Partitions)
		}
	})
}

func checkShard(t *rapid.T, def *job.Definition, plan *job.Plan, phase job.Phase, shard int) {
	from, to := plan.Span(phase, shard)
	switch phase {
	case job.Rollout:
		if to-from > def.Spec.Limits.ShardRollouts {
			t.Fatalf("rollout shard %d holds %d rollouts, at most %d", shard, to-from, def.Spec.Limits.ShardRollouts)
		}
	case job.Collect, job.Assemble:
		if size := to - from; size > max(plan.Rollouts, def.Spec.Limits.CollectRollouts) || from%plan.Rollouts != 0 || size%plan.Rollouts != 0 {
			t.Fatalf("%s shard %d covers [%d, %d) in groups of %d", phase, shard, from, to, plan.Rollouts)
		}
		for i := from; i < to && phase == job.Assemble; i++ {
			if g, _ := plan.At(i); plan.AssembleShardOf(g) != shard {
				t.Fatalf("group %d is of assemble shard %d and %d", g, shard, plan.AssembleShardOf(g))
			}
		}
	case job.Extract:
	}
}
