package spans_test

import (
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/spans"
)

// noon is a clock that stands still.
type noon struct{ clock.System }

func (noon) Now() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

// tracer returns the tracer of a process, and what it has made so far.
func tracer(t *testing.T, name string, options ...sdktrace.TracerProviderOption) (*spans.Tracer, func() map[string]tracetest.SpanStub) {
	t.Helper()
	made := tracetest.NewInMemoryExporter()
	options = append(options, sdktrace.WithSyncer(made), sdktrace.WithIDGenerator(spans.IDs{}))
	provider := sdktrace.NewTracerProvider(options...)
	t.Cleanup(func() { _ = provider.Shutdown(t.Context()) })
	return spans.New(provider, noon{}, "deployment", name), func() map[string]tracetest.SpanStub {
		byName := map[string]tracetest.SpanStub{}
		for _, s := range made.GetSpans() {
			byName[s.Name] = s
		}
		return byName
	}
}

func definition() *job.Definition {
	return &job.Definition{ID: "j", At: noon{}.Now().Add(-time.Hour), Spec: &spec.Spec{Steps: 2}}
}

func fresh() string { return "nonce" }
