package worker_test

import (
	"net/http"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/spans"
)

// Each execution is a span of its own below the shard's, and the agent is told
// the very one; the one that counts is found by its nonce.
func TestAgentIsToldTheSpanOfTheExecution(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex // guards what follows
	var told []string
	x := open(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if told = append(told, r.Header.Get("Traceparent")); len(told) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(`{"events":1}`))
	}, nil)
	made := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(made), sdktrace.WithIDGenerator(spans.IDs{}))
	x.worker.Spans = spans.New(provider, clock.System{}, "d", "w")
	r := x.settled()

	named := map[string]tracetest.SpanStub{}
	var shard tracetest.SpanStub
	for _, s := range made.GetSpans() {
		c := s.SpanContext
		named["00-"+c.TraceID().String()+"-"+c.SpanID().String()+"-01"] = s
		if s.Name == "shard rollout" {
			shard = s
		}
	}
	if len(named) != 4 || len(told) != 3 || shard.Parent.SpanID() != spans.UnitSpan(x.plan.Unit) {
		t.Fatalf("%d spans, %d executions, the shard is below %s", len(named), len(told), shard.Parent.SpanID())
	}
	failures := 0
	for _, parent := range told {
		s, ok := named[parent]
		if !ok || s.Name != "rollout" || s.Parent.SpanID() != shard.SpanContext.SpanID() {
			t.Errorf("an agent was told %s, which is %q below %s", parent, s.Name, s.Parent.SpanID())
		}
		if s.Status.Description != "" {
			failures++
		}
	}
	if failures != 1 {
		t.Errorf("%d executions are failures, want 1", failures)
	}
	for _, e := range r.Executions {
		id := spans.RolloutSpan(x.plan.Unit.ThreadID(e.Group, e.Rollout, e.Nonce))
		if _, ok := named["00-"+spans.TraceID("d", job.ID("j")).String()+"-"+id.String()+"-01"]; !ok {
			t.Errorf("the execution that counts, %+v, has no span", e)
		}
	}
}
