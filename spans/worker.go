package spans

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
)

// Shard begins the span of a drive of a shard that is in hand now, below that of
// its step or evaluation. The nonce is fresh.
func (t *Tracer) Shard(ctx context.Context, s job.Shard, drive int, nonce string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.begin(ctx, plan{
		name: "shard " + string(s.Phase.Kind()), kind: trace.SpanKindConsumer, job: s.Unit.Job,
		id: ShardSpan(s, drive, nonce), parent: UnitSpan(s.Unit),
		attributes: append(unit(s.Unit),
			attribute.String("cohort.shard", s.String()), attribute.String("cohort.phase", string(s.Phase)),
			attribute.Int("cohort.collection", s.Collection), attribute.Int("cohort.drive", drive),
			attribute.String("cohort.worker", t.name)),
	})
}

// Rollout begins the span of an execution of a rollout, below that of the shard
// which ctx is of. Executions count from 1; thread is the execution's. What is
// asked with the returned context carries the span as its W3C trace context.
func (t *Tracer) Rollout(ctx context.Context, u job.Unit, group, rollout, execution int, thread string) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx, span := t.begin(ctx, plan{
		name: "rollout", kind: trace.SpanKindClient, job: u.Job,
		id: RolloutSpan(thread), parent: trace.SpanContextFromContext(ctx).SpanID(),
		attributes: append(unit(u),
			attribute.Int("cohort.group", group), attribute.Int("cohort.rollout", rollout),
			attribute.Int("cohort.execution", execution), attribute.String("cohort.thread", thread),
			attribute.String("cohort.worker", t.name)),
	})
	c := span.span.SpanContext()
	parent := fmt.Sprintf("00-%s-%s-%s", c.TraceID(), c.SpanID(), c.TraceFlags())
	return telemetry.WithTrace(ctx, telemetry.Trace{Parent: parent}), span
}

// EndRollout ends the span of an execution: what the agent answered, or how it
// failed, and what was ruled.
func (s *Span) EndRollout(answer job.Answer, events uint64, err error, ruling job.Ruling) {
	if s == nil {
		return
	}
	if err != nil {
		s.span.SetAttributes(attribute.String("error.type", errorType(answer)))
		s.span.SetStatus(codes.Error, describe(err.Error()))
	} else {
		s.span.SetAttributes(attribute.Int64("cohort.events", int64(events))) //nolint:gosec // an agent sends fewer
	}
	switch {
	case !ruling.Settled:
		s.outcome("attempted again")
	case ruling.Reason != "":
		s.span.SetAttributes(attribute.String("cohort.fate", string(job.FateOf(ruling.Reason))), attribute.String("cohort.reason", string(ruling.Reason)))
		s.outcome("failed")
	default:
		s.outcome("answered")
	}
	s.end()
}

// errorType names how an execution came out that has no answer.
func errorType(a job.Answer) string {
	switch a {
	case job.Answered:
		return "answered"
	case job.Overdue:
		return "timed_out"
	case job.Refused:
		return "agent_error"
	case job.BrokeHealthy:
		return "agent_crashed"
	case job.Weather:
		return "weather"
	}
	return "weather"
}
