package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/telemetry/ratelimit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

func connect(tb testing.TB, address string) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true, DisableIdentity: true, MaxRetries: -1})
	tb.Cleanup(func() { client.Close() })
	return client
}

func newLimiter(tb interface{ Fatal(...any) }, client redis.UniversalClient, limit ratelimit.Limit) *ratelimit.Redis {
	l, err := ratelimit.New(client, "rate:", limit, 30*time.Second)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// T7: two processes of a tenant are granted at most Rate*t + Burst in every time
// t, whatever Redis forgets; and whoever waits as told is granted.
func TestNobodyIsGrantedMoreThanTheSharedLimit(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	clients := []*redis.Client{connect(t, server.Addr()), connect(t, server.Addr())}
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		tenant := fmt.Sprintf("tenant-%d", runs)
		limit := ratelimit.Limit{Rate: rapid.SampledFrom([]float64{0.5, 3, 1000, 333_333.3, 1e7}).Draw(t, "rate"), Burst: rapid.IntRange(1, 20).Draw(t, "burst")}
		type grant struct {
			at time.Time
			n  int
		}
		var grants []grant
		now := noon().Add(time.Duration(runs) * time.Hour)
		ask := func(n int) error {
			server.SetTime(now)
			err := newLimiter(t, clients[rapid.IntRange(0, 1).Draw(t, "process")], limit).Allow(t.Context(), tenant, n)
			if err == nil {
				grants = append(grants, grant{now, n})
			}
			return err
		}
		for range rapid.IntRange(1, 16).Draw(t, "requests") {
			per := float64(time.Second) / limit.Rate
			now = now.Add(time.Duration(per * rapid.Float64Range(0, 2*float64(limit.Burst)).Draw(t, "pause") / 4)).Truncate(time.Microsecond)
			if rapid.IntRange(0, 19).Draw(t, "loss") == 0 {
				server.FlushAll()
			}
			n := rapid.IntRange(1, limit.Burst).Draw(t, "tokens")
			err := ask(n)
			limited, ok := errors.AsType[*ratelimit.Limited](err)
			switch {
			case err == nil:
			case !ok || !errors.Is(err, ratelimit.ErrLimited) || limited.Tenant != tenant || limited.RetryAfter <= 0:
				t.Fatalf("%v", err)
			case rapid.Bool().Draw(t, "wait"):
				now = now.Add(limited.RetryAfter)
				if err := ask(n); err != nil {
					t.Fatalf("told to wait for %s, then %v", limited.RetryAfter, err)
				}
			}
		}
		for i := range grants {
			sum := 0
			for _, g := range grants[i:] {
				sum += g.n
				if most := limit.Rate*g.at.Sub(grants[i].at).Seconds() + float64(limit.Burst); float64(sum) > most+1e-6 {
					t.Fatalf("granted %d in %s at %+v, at most %.3f", sum, g.at.Sub(grants[i].at), limit, most)
				}
			}
		}
	})
}

// What Redis may have forgotten counts as taken.
func TestForgottenBucketBeginsEmpty(t *testing.T) {
	t.Parallel()
	limit := ratelimit.Limit{Rate: 10, Burst: 5}
	for name, forget := range map[string]func(*miniredis.Miniredis, *time.Time){
		"first":            func(s *miniredis.Miniredis, _ *time.Time) { s.FlushAll() },
		"another run":      func(s *miniredis.Miniredis, _ *time.Time) { s.HSet("rate:t", "run", "0123abcd") },
		"another limit":    func(s *miniredis.Miniredis, _ *time.Time) { s.HSet("rate:t", "limit", "100/5") },
		"the clock before": func(_ *miniredis.Miniredis, now *time.Time) { *now = now.Add(-time.Hour) },
	} {
		server := miniredis.RunT(t)
		l := newLimiter(t, connect(t, server.Addr()), limit)
		now := noon()
		server.SetTime(now)
		if err := l.Allow(t.Context(), "t", 1); !errors.Is(err, ratelimit.ErrLimited) {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		server.SetTime(now)
		if err := l.Allow(t.Context(), "t", 1); err != nil {
			t.Fatal(name, err)
		}
		forget(server, &now)
		server.SetTime(now)
		for n := 1; n <= 5; n += 4 {
			limited, ok := errors.AsType[*ratelimit.Limited](l.Allow(t.Context(), "t", n))
			if want := time.Duration(n) * 100 * time.Millisecond; !ok || limited.RetryAfter != want {
				t.Errorf("%s: %d tokens: %v, want to wait %s", name, n, limited, want)
			}
		}
		server.SetTime(now.Add(500 * time.Millisecond))
		if err := l.Allow(t.Context(), "t", 5); err != nil {
			t.Errorf("%s: after the burst's time: %v", name, err)
		}
	}
}

func TestTenantsHaveBucketsOfTheirOwn(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	l := newLimiter(t, connect(t, server.Addr()), ratelimit.Limit{Rate: 1, Burst: 1})
	for i, want := range []error{ratelimit.ErrLimited, nil, ratelimit.ErrLimited} {
		server.SetTime(noon().Add(time.Duration(min(i, 1)) * time.Second))
		for _, tenant := range []string{"a", "b"} {
			if err := l.Allow(t.Context(), tenant, 1); !errors.Is(err, want) {
				t.Errorf("request %d of %s: %v, want %v", i, tenant, err, want)
			}
		}
	}
	if ttl := server.TTL("rate:a"); ttl < 24*time.Hour {
		t.Errorf("the bucket lives for %s", ttl)
	}
}

// T7: without an answer nothing is granted, and the wait is bounded.
func TestLimiterThatCannotBeAskedGrantsNothing(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close() // it accepts connections, and never answers
	gone := miniredis.RunT(t)
	address := gone.Addr()
	gone.Close()
	for name, address := range map[string]string{"silent": silent.Addr().String(), "gone": address} {
		l, err := ratelimit.New(connect(t, address), "rate:", ratelimit.Limit{Rate: 1, Burst: 1}, 20*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Allow(t.Context(), "t", 1); !errors.Is(err, ratelimit.ErrUnavailable) || errors.Is(err, ratelimit.ErrLimited) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l := newLimiter(t, connect(t, silent.Addr().String()), ratelimit.Limit{Rate: 1, Burst: 1})
	if err := l.Allow(ended, "t", 1); !errors.Is(err, ratelimit.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	broken := miniredis.RunT(t)
	broken.HSet("rate:t", "run", "none", "limit", "1/1")
	if err := newLimiter(t, connect(t, broken.Addr()), ratelimit.Limit{Rate: 1, Burst: 1}).Allow(t.Context(), "t", 1); !errors.Is(err, ratelimit.ErrUnavailable) {
		t.Errorf("a bucket without fields: %v", err)
	}
}

func TestWrongLimitIsRefusedByName(t *testing.T) {
	t.Parallel()
	good := connect(t, "127.0.0.1:1")
	unbounded := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer unbounded.Close()
	for want, err := range map[string]error{
		"Rate is 0":                refusal(good, ratelimit.Limit{Burst: 1}, 0),
		"Rate is NaN":              refusal(good, ratelimit.Limit{Rate: nan(), Burst: 1}, 0),
		"Rate is 2e+07":            refusal(good, ratelimit.Limit{Rate: 2e7, Burst: 1}, 0),
		"Burst is 0":               refusal(good, ratelimit.Limit{Rate: 1}, 0),
		"timeout is -1ns":          refusal(good, ratelimit.Limit{Rate: 1, Burst: 1}, -1),
		"no ContextTimeoutEnabled": refusal(unbounded, ratelimit.Limit{Rate: 1, Burst: 1}, 0),
		"3 tokens at once, a burst of 2 allows 1 to 2": newLimiter(t, good, ratelimit.Limit{Rate: 1, Burst: 2}).Allow(t.Context(), "t", 3),
		"0 tokens at once": newLimiter(t, good, ratelimit.Limit{Rate: 1, Burst: 2}).Allow(t.Context(), "t", 0),
	} {
		if !errors.Is(err, ratelimit.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func refusal(client redis.UniversalClient, limit ratelimit.Limit, timeout time.Duration) error {
	_, err := ratelimit.New(client, "", limit, timeout)
	return err
}

func nan() float64 { var zero float64; return zero / zero }

func TestLocalLimitIsOfThisProcess(t *testing.T) {
	t.Parallel()
	now := noon()
	l, err := ratelimit.NewLocal(ratelimit.Limit{Rate: 2, Burst: 3}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Allow(t.Context(), "t", 3); err != nil {
		t.Error(err)
	}
	limited, ok := errors.AsType[*ratelimit.Limited](l.Allow(t.Context(), "t", 2))
	if !ok || limited.RetryAfter != time.Second {
		t.Errorf("after the burst: %v", limited)
	}
	now = now.Add(time.Second)
	if err := l.Allow(t.Context(), "t", 2); err != nil {
		t.Error("a refused request took tokens:", err)
	}
	if err := l.Allow(t.Context(), "t", 4); !errors.Is(err, ratelimit.ErrInvalid) {
		t.Error(err)
	}
	for i := range 4095 {
		if err := l.Allow(t.Context(), fmt.Sprint(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Allow(t.Context(), "one more", 1); !errors.Is(err, ratelimit.ErrUnavailable) {
		t.Error(err)
	}
}
