package spans

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/job"
)

// Entry is told of each entry of the log that the drive reads. One that it
// created itself ends a step, or the job: who creates an entry is one process, so
// each of them has one span, whoever worked on it.
func (d *Drive) Entry(ctx context.Context, e *job.Entry, created bool) {
	if d == nil {
		return
	}
	before := d.read(e)
	if !created {
		return
	}
	switch {
	case e.Commit != nil:
		u := job.Unit{Job: d.def.ID, Generation: e.Generation, Step: e.Commit.Checkpoint.Step}
		d.emit(ctx, d.step(u, before, append(totals(e.Commit.Ledger.Totals),
			attribute.String("cohort.checkpoint", string(e.Commit.Checkpoint.Manifest)), attribute.Int("cohort.rounds", len(e.Commit.Rounds)))), "")
	case e.End != nil:
		for _, open := range e.End.Ledgers {
			u := job.Unit{Job: d.def.ID, Generation: e.Generation, Step: open.Step}
			d.emit(ctx, d.step(u, before, append(totals(open.Totals), attribute.String("cohort.verdict", string(e.End.Verdict)))), reason(e.End))
		}
		d.emit(ctx, d.whole(e.End), reason(e.End))
	}
}

// read remembers when an entry was written, and returns when the one before it
// was.
func (d *Drive) read(e *job.Entry) (before time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before, d.last = d.last, e.At
	return before
}

// step is the span of a step, from the entry before it.
func (d *Drive) step(u job.Unit, from time.Time, described []attribute.KeyValue) plan {
	return plan{
		name: "step", kind: trace.SpanKindInternal, job: u.Job, id: UnitSpan(u), parent: JobSpan(u.Job),
		at: from, links: d.link(), attributes: append(described, attribute.Int("cohort.step", u.Step), d.coordinator()),
	}
}

// whole is the span of the job, from its submission. It is linked to the job
// whose checkpoint it began from.
func (d *Drive) whole(end *job.End) plan {
	p := plan{
		name: "job", kind: trace.SpanKindInternal, job: d.def.ID, id: JobSpan(d.def.ID), at: d.def.At, links: d.link(),
		attributes: []attribute.KeyValue{attribute.String("cohort.verdict", string(end.Verdict)), attribute.Int("cohort.steps", d.def.Spec.Steps), d.coordinator()},
	}
	if s := d.def.Spec.Start; s != nil && s.Job != "" {
		from := job.ID(s.Job)
		p.links = append(p.links, trace.Link{SpanContext: d.tracer.context(from, JobSpan(from)), Attributes: []attribute.KeyValue{attribute.String("cohort.start", s.Checkpoint)}})
	}
	return p
}

// reason is why a job failed; empty if it did not.
func reason(end *job.End) string {
	if end.Verdict != job.Broken {
		return ""
	}
	return describe("the job failed: " + end.Reason)
}

// Evaluated makes the span of an evaluation whose result this drive created,
// from when it was first worked on here.
func (d *Drive) Evaluated(ctx context.Context, u job.Unit, e job.Evaluation) {
	if d == nil {
		return
	}
	d.mu.Lock()
	from := d.evals[u]
	delete(d.evals, u)
	d.mu.Unlock()
	d.emit(ctx, plan{
		name: "evaluation", kind: trace.SpanKindInternal, job: u.Job, id: UnitSpan(u), parent: JobSpan(u.Job),
		at: from, links: d.link(), attributes: append(append(unit(u), totals(e.Totals)...),
			attribute.Float64("cohort.mean", e.Mean), attribute.Int("cohort.scored", e.Scored), d.coordinator()),
	}, e.Incomplete)
}

// emit makes a span that is over. Its failure is empty if it has none.
func (d *Drive) emit(ctx context.Context, p plan, failure string) {
	if now := d.tracer.clock.Now(); p.at.After(now) {
		p.at = now // another machine's clock is ahead
	}
	_, span := d.tracer.begin(ctx, p)
	if failure != "" {
		span.span.SetStatus(codes.Error, describe(failure))
	}
	span.end()
}
