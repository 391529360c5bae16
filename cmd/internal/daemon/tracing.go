package daemon

import (
	"context"
	"os"
	"time"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/spans"
	"github.com/cohort-rl/cohort/spans/export"
)

// Tracing says where OpenTelemetry spans go.
type Tracing struct {
	TracesEndpoint string `env:"COHORT_TRACES_ENDPOINT" placeholder:"URL" group:"tracing" help:"OpenTelemetry collector that takes spans over OTLP/HTTP, such as http://127.0.0.1:4318. Default: what OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_EXPORTER_OTLP_ENDPOINT says, or none."`
}

// Validate names the first setting that is wrong, standard variables included.
func (t Tracing) Validate() error { return t.settings().Validate() }

func (t Tracing) settings() export.Settings {
	return export.Settings{Endpoint: t.TracesEndpoint, Getenv: os.Getenv}
}

// lastSpans is how long a process that stops waits for a collector.
const lastSpans = 3 * time.Second

// trace begins to export the spans of a process. Without a collector the tracer
// is nil. The caller calls flush once its work has ended; it takes no longer than
// the grace period, and at most lastSpans.
func (b *base) trace(ctx context.Context, t Tracing, who export.Process, grace time.Duration) (tracer *spans.Tracer, flush func(), err error) {
	if !t.settings().Wanted() {
		return nil, func() {}, nil
	}
	p, err := export.Open(ctx, t.settings(), who, export.Config{Counts: metrics.NewSpans(b.registry), Clock: clock.System{}, Logger: b.logger})
	if err != nil {
		return nil, nil, err
	}
	flush = func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(grace, lastSpans))
		defer cancel()
		p.Close(limited)
	}
	return spans.New(p.Traces(), clock.System{}, b.Deployment.ID, who.Name), flush, nil
}
