package spans_test

import (
	"context"
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/spans"
)

// off is all that a rollout, a shard and a phase ask for, where there are no
// spans.
func off(ctx context.Context, effect job.Effect) {
	var none *spans.Tracer
	u := job.Unit{Job: "j", Step: 1}
	driving := none.Drive(ctx, nil, nil)
	ctx, phase := driving.Phase(ctx, effect)
	held, shard := none.Shard(ctx, job.Shard{Unit: u, Phase: job.Rollout}, 1, "nonce")
	_, rollout := none.Rollout(held, u, 1, 2, 1, "thread")
	rollout.EndRollout(job.Answered, 4, nil, job.Ruling{Settled: true})
	shard.End(held, nil)
	phase.End(ctx, nil)
	spans.Redriven(ctx, job.Shard{Unit: u}, 2)
	spans.TakenOver(ctx, 1)
	driving.Entry(ctx, nil, true)
	driving.Evaluated(ctx, u, job.Evaluation{})
	driving.End(ctx, nil)
}

func TestWithoutSpansNothingIsAllocated(t *testing.T) {
	effect := job.Effect(job.Drive{})
	if n := testing.AllocsPerRun(100, func() { off(t.Context(), effect) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRolloutWithoutSpans(b *testing.B) {
	b.ReportAllocs()
	effect := job.Effect(job.Drive{})
	for b.Loop() {
		off(b.Context(), effect)
	}
}
