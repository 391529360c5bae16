package spans

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
)

// scope is the name of the instrumentation.
const scope = "github.com/cohort-rl/cohort/spans"

// Tracer makes the spans of one process. A nil Tracer makes none.
type Tracer struct {
	tracer     trace.Tracer
	clock      clock.Clock
	deployment string
	name       string
}

// New returns a tracer of the process with a name, in a deployment with an id.
// The provider has to make ids with IDs.
func New(p trace.TracerProvider, c clock.Clock, deployment, name string) *Tracer {
	return &Tracer{tracer: p.Tracer(scope), clock: c, deployment: deployment, name: name}
}

// plan says what a span is that begins now, unless at says when it began.
type plan struct {
	name       string
	kind       trace.SpanKind
	job        job.ID
	id         trace.SpanID
	parent     trace.SpanID // zero for a root
	at         time.Time
	links      []trace.Link
	attributes []attribute.KeyValue
}

// begin begins a span.
func (t *Tracer) begin(ctx context.Context, p plan) (context.Context, *Span) {
	if p.at.IsZero() {
		p.at = t.clock.Now()
	}
	id := TraceID(t.deployment, p.job)
	options := []trace.SpanStartOption{
		trace.WithSpanKind(p.kind), trace.WithTimestamp(p.at), trace.WithLinks(p.links...),
		trace.WithAttributes(p.attributes...), trace.WithAttributes(attribute.String("cohort.job", string(p.job))),
	}
	if p.parent.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, t.context(p.job, p.parent))
	} else {
		options = append(options, trace.WithNewRoot())
	}
	ctx, span := t.tracer.Start(context.WithValue(ctx, chosenKey{}, chosen{id, p.id}), p.name, options...)
	return ctx, &Span{span, t.clock}
}

// context names a span of a job's trace, of whichever process.
func (t *Tracer) context(id job.ID, span trace.SpanID) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: TraceID(t.deployment, id), SpanID: span, TraceFlags: trace.FlagsSampled, Remote: true,
	})
}

// unit describes a unit in attributes.
func unit(u job.Unit) []attribute.KeyValue {
	if u.Eval != "" {
		return []attribute.KeyValue{attribute.Int("cohort.step", u.Step), attribute.String("cohort.evaluation", string(u.Eval))}
	}
	described := []attribute.KeyValue{attribute.Int("cohort.step", u.Step), attribute.Int("cohort.round", u.Round)}
	if u.Generation > 0 {
		described = append(described, attribute.Int("cohort.generation", u.Generation))
	}
	return described
}

// totals describes the fates of rollouts in attributes.
func totals(t job.Totals) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.Int("cohort.rollouts.planned", t.Planned), attribute.Int("cohort.rollouts.used", t.Used),
		attribute.Int("cohort.rollouts.dropped", t.Dropped), attribute.Int("cohort.rollouts.failed", t.Failed),
	}
}
