package ratelimit_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/telemetry/ratelimit"
)

// questions counts what is asked, and how many questions at once.
type questions struct {
	asked, requests, now, most atomic.Int64
}

func (*questions) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*questions) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (q *questions) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !strings.HasPrefix(cmd.Name(), "eval") {
			return next(ctx, cmd)
		}
		if now := q.now.Add(1); now > q.most.Load() {
			q.most.Store(now)
		}
		defer q.now.Add(-1)
		for range 100 {
			runtime.Gosched() // others come meanwhile
		}
		err := next(ctx, cmd)
		if err == nil {
			q.asked.Add(1)
			q.requests.Add(int64(len(cmd.Args()) - 7)) // evalsha, script, 1, key, rate, burst, time to live
		}
		return err
	}
}

// fullBucket returns a limiter whose only tenant, t, has its burst left, and
// what it asks.
func fullBucket(t *testing.T, limit ratelimit.Limit) (*ratelimit.Redis, *questions) {
	t.Helper()
	server := miniredis.RunT(t)
	client := connect(t, server.Addr())
	l := newLimiter(t, client, limit)
	server.SetTime(noon())
	if err := l.Allow(t.Context(), "t", 1); !errors.Is(err, ratelimit.ErrLimited) {
		t.Fatal(err)
	}
	server.SetTime(noon().Add(time.Hour))
	q := &questions{}
	client.AddHook(q)
	return l, q
}

// Callers at the same time share questions, and are granted what they would be
// one after the other.
func TestCallersShareAQuestion(t *testing.T) {
	t.Parallel()
	l, q := fullBucket(t, ratelimit.Limit{Rate: 1, Burst: 60})
	var granted, refused atomic.Int64
	var wait sync.WaitGroup
	for range 100 {
		wait.Go(func() {
			switch err := l.Allow(t.Context(), "t", 1); {
			case err == nil:
				granted.Add(1)
			case errors.Is(err, ratelimit.ErrLimited):
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if granted.Load() != 60 || refused.Load() != 40 {
		t.Errorf("%d were granted and %d refused, want 60 and 40", granted.Load(), refused.Load())
	}
	if q.requests.Load() != 100 || q.most.Load() != 1 {
		t.Errorf("%d requests in %d questions, %d of them at once", q.requests.Load(), q.asked.Load(), q.most.Load())
	}
}

// Whoever goes away while it waits takes nobody's turn with it.
func TestCallerThatGoesAwayHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	l, q := fullBucket(t, ratelimit.Limit{Rate: 1, Burst: 1000})
	var granted atomic.Int64
	var wait sync.WaitGroup
	for n := range 200 {
		wait.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if n%2 == 0 {
				wait.Go(cancel)
			}
			switch err := l.Allow(ctx, "t", 1); {
			case err == nil:
				granted.Add(1)
			case !errors.Is(err, context.Canceled) || !errors.Is(err, ratelimit.ErrUnavailable) || n%2 != 0:
				t.Error(n, err)
			}
		})
	}
	wait.Wait()
	if err := l.Allow(t.Context(), "t", 1); err != nil {
		t.Error(err)
	}
	if granted.Load() < 100 || granted.Load() > q.requests.Load() || q.most.Load() != 1 {
		t.Errorf("%d were granted of %d, %d at once", granted.Load(), q.requests.Load(), q.most.Load())
	}
}

// late is a context that ends right after it was looked at.
type late struct {
	context.Context
	ended chan struct{}
}

func (l late) Done() <-chan struct{} { return l.ended }
func (l late) Err() error            { return nil }

func TestCallerWhoseContextEndsAtItsTurnTakesIt(t *testing.T) {
	t.Parallel()
	l, q := fullBucket(t, ratelimit.Limit{Rate: 1, Burst: 1000})
	ended := make(chan struct{})
	close(ended)
	for range 30 {
		if err := l.Allow(late{t.Context(), ended}, "t", 1); err != nil {
			t.Error(err)
		}
	}
	if q.requests.Load() != 30 {
		t.Errorf("%d requests were asked", q.requests.Load())
	}
}
