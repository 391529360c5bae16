package export

import (
	"context"
	"log/slog"
	"time"

	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/spans"
)

// Counts is told what becomes of spans. Each span is counted once, in one of
// them. Its methods are called by several goroutines at once.
type Counts interface {
	// Exported counts spans that the collector took.
	Exported(n int)
	// Dropped counts spans that the queue had no room for, or that were still in
	// it when the time to stop had passed.
	Dropped(n int)
	// Failed counts spans that the collector did not take, or may not have.
	Failed(n int)
}

// Config says how spans are sent on. Counts, Clock and Logger are required.
type Config struct {
	Counts Counts
	Clock  clock.Clock
	Logger *slog.Logger
	// Queue is how many spans may wait; 4,096 by default.
	Queue int
	// Delay is how long a span waits for others at most; 2 s by default.
	Delay time.Duration
	// Timeout bounds the sending of a batch, repetitions included; 10 s by
	// default.
	Timeout time.Duration
	// Repeat is how often a failure is logged at most; 1 minute by default.
	Repeat time.Duration
	// Sampler says which traces there are; all by default.
	Sampler sdktrace.Sampler
	// Resource says which process it is.
	Resource *sdkresource.Resource
}

// withDefaults fills in what is left open.
func (c Config) withDefaults() Config {
	if c.Queue <= 0 {
		c.Queue = 4096
	}
	if c.Delay <= 0 {
		c.Delay = 2 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Repeat <= 0 {
		c.Repeat = time.Minute
	}
	if c.Sampler == nil {
		c.Sampler = sdktrace.AlwaysSample()
	}
	if c.Resource == nil {
		c.Resource = sdkresource.Empty()
	}
	return c
}

// Provider makes spans and sends them on.
type Provider struct {
	sdk    *sdktrace.TracerProvider
	gate   *gate
	cancel context.CancelFunc // ends the sending that is under way
}

// New returns a provider that sends spans to an exporter. The caller closes it.
func New(to sdktrace.SpanExporter, c Config) *Provider {
	c = c.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	gate := &gate{limit: int64(c.Queue), counts: c.Counts}
	sending := &sending{SpanExporter: to, ctx: ctx, gate: gate, counts: c.Counts, said: said{clock: c.Clock, logger: c.Logger, every: c.Repeat}}
	gate.SpanProcessor = sdktrace.NewBatchSpanProcessor(sending,
		sdktrace.WithMaxQueueSize(c.Queue), sdktrace.WithMaxExportBatchSize(min(512, c.Queue)),
		sdktrace.WithBatchTimeout(c.Delay), sdktrace.WithExportTimeout(c.Timeout))
	return &Provider{
		sdk: sdktrace.NewTracerProvider(
			sdktrace.WithSpanProcessor(gate), sdktrace.WithIDGenerator(spans.IDs{}),
			sdktrace.WithSampler(c.Sampler), sdktrace.WithResource(c.Resource)),
		gate: gate, cancel: cancel,
	}
}

// Traces is what tracers are made from.
func (p *Provider) Traces() trace.TracerProvider { return p.sdk }

// Close sends what waits, until ctx ends, and counts the rest as dropped. No
// goroutine is left when it returns.
func (p *Provider) Close(ctx context.Context) {
	defer p.cancel()
	defer context.AfterFunc(ctx, p.cancel)()
	_ = p.sdk.Shutdown(context.WithoutCancel(ctx)) // What failed was counted and said.
	p.gate.close()
}
