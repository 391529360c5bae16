package spans

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/job"
)

// Drive makes the spans of one coordinator that drives a job. A nil Drive makes
// none. It is safe for concurrent use.
type Drive struct {
	tracer *Tracer
	def    *job.Definition
	nonce  string
	id     trace.SpanID
	span   *Span
	phases atomic.Int64

	mu    sync.Mutex // guards what follows
	last  time.Time  // when the newest entry was written that was read
	evals map[job.Unit]time.Time
}

// Drive begins the span of a drive of a job, below the job's own. Fresh returns
// a random id.
func (t *Tracer) Drive(ctx context.Context, def *job.Definition, fresh func() string) *Drive {
	if t == nil {
		return nil
	}
	d := &Drive{tracer: t, def: def, nonce: fresh(), last: t.clock.Now(), evals: map[job.Unit]time.Time{}}
	d.id = spanID("drive", string(def.ID), d.nonce)
	_, d.span = t.begin(ctx, plan{
		name: "drive", kind: trace.SpanKindInternal, job: def.ID, id: d.id, parent: JobSpan(def.ID),
		attributes: []attribute.KeyValue{d.coordinator()},
	})
	return d
}

func (d *Drive) coordinator() attribute.KeyValue {
	return attribute.String("cohort.coordinator", d.tracer.name)
}

// link names the drive.
func (d *Drive) link() []trace.Link {
	return []trace.Link{{SpanContext: d.tracer.context(d.def.ID, d.id)}}
}

// End ends the drive's span. Nil says that the job has ended.
func (d *Drive) End(ctx context.Context, err error) {
	if d != nil {
		d.span.End(ctx, err)
	}
}

// Phase begins the span of what is done for an effect: below the unit's step or
// evaluation if it is done for a unit, else below the drive's. What is no work of
// its own has none.
func (d *Drive) Phase(ctx context.Context, effect job.Effect) (context.Context, *Span) {
	if d == nil {
		return ctx, nil
	}
	name, u, described := phaseOf(effect)
	if name == "" {
		return ctx, nil
	}
	p := plan{
		name: name, kind: trace.SpanKindInternal, job: d.def.ID, parent: d.id,
		id:         spanID("phase", d.nonce, fmt.Sprint(d.phases.Add(1))),
		attributes: append(described, d.coordinator()),
	}
	if u != (job.Unit{}) {
		p.parent, p.links = UnitSpan(u), d.link()
		p.attributes = append(p.attributes, unit(u)...)
		d.note(u)
	}
	return d.tracer.begin(ctx, p)
}

// note remembers when an evaluation was begun.
func (d *Drive) note(u job.Unit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.evals[u]; !known && u.Eval != "" {
		d.evals[u] = d.tracer.clock.Now()
	}
}

// phaseOf names and describes the work of an effect, and the unit that it is
// done for, if there is one. Reports and abandonments are none.
func phaseOf(effect job.Effect) (name string, u job.Unit, described []attribute.KeyValue) {
	collection := func(n int) []attribute.KeyValue { return []attribute.KeyValue{attribute.Int("cohort.collection", n)} }
	switch e := effect.(type) {
	case job.ReadLog:
		return "read log", u, nil
	case job.Prepare:
		return "prepare", u, nil
	case job.PutEntry:
		return "put entry", u, []attribute.KeyValue{attribute.String("cohort.entry", string(e.Entry.Kind)), attribute.Int("cohort.entry.number", e.Entry.N)}
	case job.PutPlan:
		return "plan", e.Plan.Unit, []attribute.KeyValue{attribute.Int("cohort.rollouts.planned", e.Plan.Planned())}
	case job.Open:
		return "open", e.Unit, collection(e.Collection)
	case job.Drive:
		return "phase " + string(e.Phase.Kind()), e.Unit, append(collection(e.Collection),
			attribute.String("cohort.phase", string(e.Phase)), attribute.Int("cohort.shards", e.Count))
	case job.PutRanges:
		return "ranges", e.Unit, collection(e.Collection)
	case job.Update:
		return "update", e.Rounds[len(e.Rounds)-1].Plan.Unit, []attribute.KeyValue{attribute.Int("cohort.rounds", len(e.Rounds))}
	case job.GoBack:
		return "go back", u, []attribute.KeyValue{attribute.Int("cohort.generation", e.Generation)}
	case job.PutResult:
		return "result", e.Unit, nil
	case job.Finish:
		return "finish", u, []attribute.KeyValue{attribute.String("cohort.verdict", string(e.Verdict))}
	case job.Retire:
		return "retire", u, nil
	}
	return "", u, nil
}

// Redriven notes, on the span that ctx is of, that a shard is driven again.
func Redriven(ctx context.Context, s job.Shard, drive int) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("shard driven again", trace.WithAttributes(attribute.String("cohort.shard", s.String()), attribute.Int("cohort.drive", drive)))
	}
}

// TakenOver notes, on the span that ctx is of, that this process goes on with
// what another began.
func TakenOver(ctx context.Context, n int) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("taken over", trace.WithAttributes(attribute.Int("cohort.take_over", n)))
	}
}
