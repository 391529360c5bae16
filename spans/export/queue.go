package export

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/cohort-rl/cohort/clock"
)

// gate lets as many spans into the SDK's queue as it has room for, so that the
// SDK never drops one itself, which it would not tell.
type gate struct {
	sdktrace.SpanProcessor
	limit   int64
	waiting atomic.Int64 // spans that are in the queue or being sent
	counts  Counts
}

// OnEnd takes a span that has ended.
func (g *gate) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if g.waiting.Add(1) > g.limit {
		g.waiting.Add(-1)
		g.counts.Dropped(1)
		return
	}
	g.SpanProcessor.OnEnd(s)
}

// close counts what is left in the queue. What ends from now on is dropped too.
func (g *gate) close() {
	if left := g.waiting.Swap(g.limit); left > 0 {
		g.counts.Dropped(int(left))
	}
}

// sending sends batches, counts how that came out, and says what went wrong.
type sending struct {
	sdktrace.SpanExporter
	ctx    context.Context // that of the provider: when it ends, so does what is under way
	gate   *gate
	counts Counts
	said   said
}

// ExportSpans sends a batch. It returns no error: who would be told is global.
func (s *sending) ExportSpans(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)() //nolint:contextcheck // when the provider ends, so does this
	if s.ctx.Err() != nil {
		return nil // the gate counts them when it closes
	}
	err := s.SpanExporter.ExportSpans(ctx, batch)
	s.gate.waiting.Add(-int64(len(batch)))
	if err != nil {
		s.counts.Failed(len(batch))
		s.said.failed(len(batch), err)
		return nil
	}
	s.counts.Exported(len(batch))
	return nil
}

// said says once per interval that spans are not taken.
type said struct {
	clock  clock.Clock
	logger *slog.Logger
	every  time.Duration

	mu    sync.Mutex // guards what follows
	last  time.Time
	spans int // since then
}

func (s *said) failed(spans int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans += spans
	now := s.clock.Now()
	if !s.last.IsZero() && now.Sub(s.last) < s.every {
		return
	}
	s.logger.Warn("Spans could not be exported; work goes on without them.", "spans", s.spans, "error", brief(err))
	s.last, s.spans = now, 0
}

// brief bounds what is said of an error, which may quote a whole answer.
func brief(err error) string {
	const most = 500
	text := err.Error()
	if len(text) > most {
		text = text[:most] + " ..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
