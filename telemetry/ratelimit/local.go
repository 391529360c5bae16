package ratelimit

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxTenants bounds what a Local remembers.
const maxTenants = 4096

// Local keeps a limit for each tenant in this process alone: n processes let
// pass n times as much, and a new process begins with a full burst. It is safe
// for concurrent use.
type Local struct {
	limit Limit
	now   func() time.Time

	mu      sync.Mutex // guards buckets
	buckets map[string]*rate.Limiter
}

// NewLocal returns a limiter by the clock now.
func NewLocal(limit Limit, now func() time.Time) (*Local, error) {
	if err := limit.Validate(); err != nil {
		return nil, err
	}
	return &Local{limit: limit, now: now, buckets: make(map[string]*rate.Limiter)}, nil
}

// Allow takes n tokens of a tenant, all or none. Its errors are *Limited
// (ErrLimited), ErrInvalid, and ErrUnavailable for one tenant too many. It never
// waits.
func (l *Local) Allow(_ context.Context, tenant string, n int) error {
	if err := l.limit.asks(n); err != nil {
		return err
	}
	b, err := l.bucket(tenant)
	if err != nil {
		return err
	}
	now := l.now()
	r := b.ReserveN(now, n)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return &Limited{Tenant: tenant, RetryAfter: wait}
	}
	return nil
}

func (l *Local) bucket(tenant string) (*rate.Limiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[tenant]
	if b == nil {
		if len(l.buckets) >= maxTenants {
			return nil, fmt.Errorf("%w: more than %d tenants in one process", ErrUnavailable, maxTenants)
		}
		b = rate.NewLimiter(rate.Limit(l.limit.Rate), l.limit.Burst)
		l.buckets[tenant] = b
	}
	return b, nil
}
