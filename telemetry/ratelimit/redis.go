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
	queues  queues
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
// granted. Calls for one tenant at the same time share a question to Redis; the
// one that asks for all may take up to the timeout longer than its context.
func (r *Redis) Allow(ctx context.Context, tenant string, n int) error {
	if err := r.limit.asks(n); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: tenant %q: %w", ErrUnavailable, tenant, err)
	}
	return r.queues.join(ctx, tenant, n, r.ask)
}

// ask asks Redis once for several requests of a tenant, in their order, and
// returns an answer for each.
func (r *Redis) ask(ctx context.Context, tenant string, tokens []int) []error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	defer cancel()
	const day = 24 * time.Hour
	arguments := []any{strconv.FormatFloat(r.limit.Rate, 'f', -1, 64), r.limit.Burst, (day + r.limit.fill()).Milliseconds()}
	for _, n := range tokens {
		arguments = append(arguments, n)
	}
	waits, err := r.script.Run(ctx, r.client, []string{r.prefix + tenant}, arguments...).Int64Slice()
	if err == nil && len(waits) != len(tokens) {
		err = fmt.Errorf("redis answered %d of %d requests", len(waits), len(tokens))
	}
	answers := make([]error, len(tokens))
	for i := range answers {
		switch {
		case err != nil:
			answers[i] = fmt.Errorf("%w: tenant %q: %w", ErrUnavailable, tenant, err)
		case waits[i] != 0:
			answers[i] = &Limited{Tenant: tenant, RetryAfter: time.Duration(waits[i]) * time.Microsecond}
		}
	}
	return answers
}
