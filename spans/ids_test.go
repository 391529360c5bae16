package spans_test

import (
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/spans"
)

// The ids were computed by hand with Python's hashlib; other programs find a
// job's trace in the same way.
func TestIDsAreHashesOfNames(t *testing.T) {
	t.Parallel()
	step := job.Unit{Job: "train-1", Step: 3}
	for what, c := range map[string]struct{ got, want string }{
		"trace":      {spans.TraceID("0123456789abcdef0123456789abcdef", "train-1").String(), "5ec0c80cce21ffda695172e46fd8c3a6"},
		"job":        {spans.JobSpan("train-1").String(), "c9261c4fd11f7a36"},
		"step":       {spans.UnitSpan(step).String(), "136ac36d1e33d1c8"},
		"evaluation": {spans.UnitSpan(job.Unit{Job: "train-1", Step: 3, Eval: "ab"}).String(), "944fe53f0d6e77bc"},
		"shard":      {spans.ShardSpan(job.Shard{Unit: step, Phase: job.Rollout, Index: 2}, 1, "n").String(), "774fcc6f4731fac4"},
		"rollout":    {spans.RolloutSpan("train-1/3/0/1/n").String(), "678fc84e6ef9c151"},
	} {
		if c.got != c.want {
			t.Errorf("%s has id %s, want %s", what, c.got, c.want)
		}
	}
}

func TestWhatIsDoneOnceMoreHasAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	step := job.Unit{Job: "j", Step: 1}
	round, again, back := step, step, step
	round.Round, back.Generation = 1, 1
	if spans.UnitSpan(round) != spans.UnitSpan(step) || spans.UnitSpan(again) != spans.UnitSpan(step) {
		t.Error("rounds of a step are below different spans")
	}
	if spans.UnitSpan(back) == spans.UnitSpan(step) {
		t.Error("a step that is done again after the job went back has the span of the first")
	}
	s := job.Shard{Unit: step, Phase: job.Rollout}
	first := spans.ShardSpan(s, 1, "n")
	if first == spans.ShardSpan(s, 2, "n") || first == spans.ShardSpan(s, 1, "m") {
		t.Error("a shard that is driven again, or in other hands, has the span of the first drive")
	}
}
