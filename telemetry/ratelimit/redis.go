package ratelimit

import (
	"context"
	_ "embed" // the script
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed bucket.lua
var bucket string

// DefaultTimeout is how long Redis has for an answer.
const DefaultTimeout = 250 * time.Millisecond

// Redis keeps one limit for each tenant, shared by all processes that use the
// same server, prefix and limit. It is safe for concurrent use.
type Redis struct {
	client  redis.UniversalClient
	prefix  string
	limit   Limit
	timeout time.Duration
	script  *redis.Script
}

// New returns a limiter whose keys begin with prefix. The client stays the
// caller's, must have ContextTimeoutEnabled, and needs the commands EVALSHA, EVAL,
// INFO, TIME, HMGET, HSET and PEXPIRE. timeout bounds the wait for an answer; 0 is
// DefaultTimeout. New asks Redis nothing.
func New(client redis.UniversalClient, prefix string, limit Limit, timeout time.Duration) (*Redis, error) {
	if err := limit.Validate(); err != nil {
		return nil, err
	}
	if timeout < 0 {
		return nil, fmt.Errorf("%w: timeout is %s", ErrInvalid, timeout)
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	if !bounded(client) {
		return nil, fmt.Errorf("%w: the Redis client has no ContextTimeoutEnabled, so its waits would have no bound", ErrInvalid)
	}
	return &Redis{client: client, prefix: prefix, limit: limit, timeout: timeout, script: redis.NewScript(bucket)}, nil
}

// bounded reports whether a client heeds the deadline of a context.
func bounded(client redis.UniversalClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return c.Options().ContextTimeoutEnabled
	}
	return false
}

// Allow takes n tokens of a tenant, all or none. Its errors are *Limited
// (ErrLimited), ErrUnavailable and ErrInvalid; after each of them nothing was
// granted. It asks Redis once.
func (r *Redis) Allow(ctx context.Context, tenant string, n int) error {
	if err := r.limit.asks(n); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	const day = 24 * time.Hour
	answer, err := r.script.Run(ctx, r.client, []string{r.prefix + tenant},
		n, strconv.FormatFloat(r.limit.Rate, 'f', -1, 64), r.limit.Burst, (day + r.limit.fill()).Milliseconds()).Int64Slice()
	switch {
	case err != nil:
		return fmt.Errorf("%w: tenant %q: %w", ErrUnavailable, tenant, err)
	case len(answer) == 1 && answer[0] == 0:
		return nil
	case len(answer) == 2 && answer[0] == 1 && answer[1] > 0:
		return &Limited{Tenant: tenant, RetryAfter: time.Duration(answer[1]) * time.Microsecond}
	}
	return fmt.Errorf("%w: tenant %q: Redis answered %v", ErrUnavailable, tenant, answer)
}
