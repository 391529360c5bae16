package doctor

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reachRedis asks Redis for an answer, with the login, and for its version.
func (p *patient) reachRedis(ctx context.Context) Finding {
	var err error
	if p.redis, err = p.Services.OpenRedis(ctx); err != nil {
		return failed(err)
	}
	version, err := p.Services.CheckRedis(ctx, p.redis)
	if err != nil {
		return failed(err)
	}
	if version == "" {
		return ok("it answers and lets us in; it does not tell its version")
	}
	return ok("version " + version + " answers and lets us in")
}

// writeRedis puts a key of its own and removes it.
func (p *patient) writeRedis(ctx context.Context) Finding {
	if err := p.Services.TryRedis(ctx, p.redis, p.Nonce()); err != nil {
		return failed(err)
	}
	return ok("a key was put, read and deleted")
}

// noEviction is the policy under which Redis forgets nothing.
const noEviction = "noeviction"

// eviction looks at what Redis does when its memory is full.
func (p *patient) eviction(ctx context.Context) Finding {
	policy, known := evictionPolicy(ctx, p.redis)
	switch {
	case !known:
		return Finding{Status: Skipped, Found: "it does not tell its maxmemory-policy"}
	case policy != noEviction:
		return Finding{
			Status: Warning, Found: "maxmemory-policy is " + policy + ": tasks may be forgotten when its memory is full, and are done again later",
			Remedy: "set maxmemory-policy to " + noEviction,
		}
	}
	return ok("maxmemory-policy is " + noEviction)
}

// evictionPolicy asks in both ways in which Redis may tell.
func evictionPolicy(ctx context.Context, client redis.UniversalClient) (policy string, known bool) {
	if info, err := client.Info(ctx, "memory").Result(); err == nil {
		for line := range strings.Lines(info) {
			if policy, found := strings.CutPrefix(line, "maxmemory_policy:"); found {
				return strings.TrimSpace(policy), true
			}
		}
	}
	settings, err := client.ConfigGet(ctx, "maxmemory-policy").Result()
	policy, known = settings["maxmemory-policy"]
	return policy, known && err == nil
}
