package spans_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/spans"
	"github.com/cohort-rl/cohort/telemetry"
)

func value(s tracetest.SpanStub, key string) string {
	for _, a := range s.Attributes {
		if a.Key == attribute.Key(key) {
			return a.Value.String()
		}
	}
	return ""
}

func entry(n int, e job.Entry) *job.Entry {
	e.N, e.At = n, noon{}.Now().Add(-time.Duration(10-n)*time.Minute)
	return &e
}

func commit(step int) job.Entry {
	return job.Entry{Kind: job.KindCommit, Commit: &job.Commit{
		Checkpoint: job.Checkpoint{Step: step, Manifest: "abc"}, Ledger: job.LedgerRef{Step: step, Totals: job.Totals{Planned: 4, Used: 2, Dropped: 1, Failed: 1}},
	}}
}

// Coordinator and worker share nothing but names.
func TestJobStepShardAndRolloutAreOneTree(t *testing.T) {
	t.Parallel()
	coordinator, driven := tracer(t, "c")
	worker, done := tracer(t, "w")
	ctx, u := t.Context(), job.Unit{Job: "j", Step: 1}

	d := coordinator.Drive(ctx, definition(), fresh)
	d.Entry(ctx, entry(0, job.Entry{Begin: &job.Begin{}}), true)
	during, phase := d.Phase(ctx, job.Drive{Unit: u, Phase: job.Rollout, Count: 1})
	spans.Redriven(during, job.Shard{Unit: u, Phase: job.Rollout}, 2)
	spans.TakenOver(during, 1)

	held, shard := worker.Shard(ctx, job.Shard{Unit: u, Phase: job.Rollout}, 2, "hand")
	asking, rollout := worker.Rollout(held, u, 3, 4, 1, "j/1/3/4/nonce")
	rollout.EndRollout(job.Answered, 7, nil, job.Ruling{Settled: true})
	shard.End(held, nil)

	phase.End(ctx, nil)
	d.Entry(ctx, entry(1, commit(1)), true)
	d.Entry(ctx, entry(2, job.Entry{End: &job.End{Verdict: job.Done}}), true)
	d.End(ctx, nil)

	all := driven()
	maps.Copy(all, done())
	for name, parent := range map[string]string{"drive": "job", "step": "job", "phase rollout": "step", "shard rollout": "step", "rollout": "shard rollout"} {
		if got, want := all[name].Parent.SpanID(), all[parent].SpanContext.SpanID(); got != want || !want.IsValid() {
			t.Errorf("%s is below %s, want %s, which is %s", name, got, parent, want)
		}
	}
	for name, s := range all {
		if s.SpanContext.TraceID() != spans.TraceID("deployment", "j") || s.Status.Code != codes.Unset || value(s, "cohort.job") != "j" {
			t.Errorf("%s: trace %s, status %v, attributes %v", name, s.SpanContext.TraceID(), s.Status, s.Attributes)
		}
	}
	if all["job"].Parent.IsValid() || len(all) != 6 {
		t.Errorf("the job is below %s, and there are %d spans", all["job"].Parent.SpanID(), len(all))
	}
	for what, c := range map[string]struct{ got, want string }{
		"traceparent":     {telemetry.TraceFrom(asking).Parent, fmt.Sprintf("00-%s-%s-01", spans.TraceID("deployment", "j"), spans.RolloutSpan("j/1/3/4/nonce"))},
		"group":           {value(all["rollout"], "cohort.group"), "3"},
		"rollout":         {value(all["rollout"], "cohort.rollout"), "4"},
		"events":          {value(all["rollout"], "cohort.events"), "7"},
		"worker":          {value(all["shard rollout"], "cohort.worker"), "w"},
		"drive":           {value(all["shard rollout"], "cohort.drive"), "2"},
		"coordinator":     {value(all["step"], "cohort.coordinator"), "c"},
		"dropped":         {value(all["step"], "cohort.rollouts.dropped"), "1"},
		"events of phase": {fmt.Sprint(len(all["phase rollout"].Events)), "2"},
		"step's begin":    {all["step"].StartTime.Format("15:04"), "11:50"},
		"job's begin":     {all["job"].StartTime.Format("15:04"), "11:00"},
	} {
		if c.got != c.want {
			t.Errorf("%s is %q, want %q", what, c.got, c.want)
		}
	}
}

func TestTakeOverGoesOnWithTheTraceAndOnlyWhoCommitsTellsOfTheStep(t *testing.T) {
	t.Parallel()
	first, a := tracer(t, "a")
	second, b := tracer(t, "b")
	ctx := t.Context()
	stopped, stop := context.WithCancel(ctx)
	left := first.Drive(ctx, definition(), func() string { return "one" })
	stop()
	left.End(stopped, context.Canceled)
	right := second.Drive(ctx, definition(), func() string { return "two" })
	for _, d := range []*spans.Drive{left, right} {
		d.Entry(ctx, entry(0, job.Entry{Begin: &job.Begin{}}), false)
		d.Entry(ctx, entry(1, commit(1)), d == right)
	}
	right.End(ctx, nil)
	if _, told := a()["step"]; told || b()["step"].SpanContext.SpanID() != spans.UnitSpan(job.Unit{Job: "j", Step: 1}) {
		t.Errorf("of the step told %v and %v", a(), b())
	}
	x, y := a()["drive"], b()["drive"]
	if x.SpanContext.TraceID() != y.SpanContext.TraceID() || x.SpanContext.SpanID() == y.SpanContext.SpanID() || x.Parent.SpanID() != y.Parent.SpanID() {
		t.Errorf("drives are %v below %v and %v below %v", x.SpanContext, x.Parent, y.SpanContext, y.Parent)
	}
	if x.Status.Code != codes.Unset || value(x, "cohort.outcome") != "stopped" {
		t.Errorf("a drive that was stopped has status %v, attributes %v", x.Status, x.Attributes)
	}
}

func TestFailuresAreStatusesAndReasons(t *testing.T) {
	t.Parallel()
	tr, made := tracer(t, "p")
	ctx, u, failure := t.Context(), job.Unit{Job: "j", Step: 1}, errors.New("it broke")
	_, shard := tr.Shard(ctx, job.Shard{Unit: u, Phase: job.Collect}, 1, "n")
	shard.End(ctx, failure)
	_, down := tr.Shard(ctx, job.Shard{Unit: u, Phase: job.Assemble}, 1, "n")
	down.PutDown()
	down.End(ctx, nil)
	held, _ := tr.Shard(ctx, job.Shard{Unit: u, Phase: job.Rollout}, 1, "n")
	_, rollout := tr.Rollout(held, u, 0, 0, 2, "t")
	rollout.EndRollout(job.Refused, 0, failure, job.Ruling{Settled: true, Reason: job.AgentError})
	def := definition()
	def.Spec.Start = &spec.Start{Job: "before", Checkpoint: "abc"}
	d := tr.Drive(ctx, def, fresh)
	d.Entry(ctx, entry(1, job.Entry{End: &job.End{Verdict: job.Broken, Reason: "why", Ledgers: []job.LedgerRef{{Step: 1}}}}), true)
	d.Evaluated(ctx, job.Unit{Job: "j", Step: 1, Eval: "abc"}, job.Evaluation{Step: 1, Incomplete: "late"})

	all := made()
	for name, want := range map[string]string{"shard collect": "it broke", "rollout": "it broke", "step": "the job failed: why", "job": "the job failed: why", "evaluation": "late"} {
		if s := all[name]; s.Status.Code != codes.Error || s.Status.Description != want {
			t.Errorf("%s has status %v, want %q", name, s.Status, want)
		}
	}
	if s := all["shard assemble"]; s.Status.Code != codes.Unset || value(s, "cohort.outcome") != "put down" {
		t.Errorf("a shard that was put down has status %v, attributes %v", s.Status, s.Attributes)
	}
	if s := all["rollout"]; value(s, "cohort.fate") != "failed" || value(s, "cohort.reason") != string(job.AgentError) || value(s, "error.type") != "agent_error" {
		t.Errorf("the rollout has %v", s.Attributes)
	}
	links := all["job"].Links
	if len(links) != 2 || links[1].SpanContext.SpanID() != spans.JobSpan("before") || links[1].SpanContext.TraceID() != spans.TraceID("deployment", "before") {
		t.Errorf("the job is linked to %v", links)
	}
}

func TestAgentIsToldThatAJobIsNotSampled(t *testing.T) {
	t.Parallel()
	tr, made := tracer(t, "w", sdktrace.WithSampler(sdktrace.NeverSample()))
	u := job.Unit{Job: "j", Step: 1}
	held, shard := tr.Shard(t.Context(), job.Shard{Unit: u}, 1, "n")
	asking, rollout := tr.Rollout(held, u, 0, 0, 1, "thread")
	rollout.EndRollout(job.Answered, 1, nil, job.Ruling{Settled: true})
	shard.End(held, nil)
	want := fmt.Sprintf("00-%s-%s-00", spans.TraceID("deployment", "j"), spans.RolloutSpan("thread"))
	if got := telemetry.TraceFrom(asking).Parent; got != want || len(made()) > 0 {
		t.Errorf("traceparent is %q, want %q; %d spans", got, want, len(made()))
	}
}
