package export_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/spans"
	"github.com/cohort-rl/cohort/spans/export"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counts are what became of spans.
type counts struct {
	mu                        sync.Mutex // guards what follows
	exported, dropped, failed int
}

func (c *counts) Exported(n int) { c.mu.Lock(); defer c.mu.Unlock(); c.exported += n }
func (c *counts) Dropped(n int)  { c.mu.Lock(); defer c.mu.Unlock(); c.dropped += n }
func (c *counts) Failed(n int)   { c.mu.Lock(); defer c.mu.Unlock(); c.failed += n }

// collector takes spans once gate lets it, and then ends with err.
type collector struct {
	gate chan struct{} // nil lets all through
	err  error
	came chan struct{} // told of each batch, if there is room
}

func (c *collector) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	select {
	case c.came <- struct{}{}:
	default:
	}
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return c.err
}

func (c *collector) Shutdown(context.Context) error { return nil }

var errRefused = errors.New("refused")

// spend makes so many spans.
func spend(t *testing.T, p *export.Provider, n int) {
	t.Helper()
	tr := spans.New(p.Traces(), clock.System{}, "d", "w")
	for range n {
		ctx, s := tr.Shard(t.Context(), job.Shard{Unit: job.Unit{Job: "j"}}, 1, "n")
		s.End(ctx, nil)
	}
}

// short is a context that ends soon.
func short(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
