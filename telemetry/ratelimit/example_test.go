package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/telemetry/ratelimit"
)

// A tenant's bucket begins empty and fills at the rate.
func ExampleRedis() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer client.Close()
	limiter, err := ratelimit.New(client, "rate:", ratelimit.Limit{Rate: 100, Burst: 10}, 5*time.Second)
	if err != nil {
		panic(err)
	}

	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	server.SetTime(noon)
	ctx := context.Background()
	err = limiter.Allow(ctx, "acme", 3)
	fmt.Println(errors.Is(err, ratelimit.ErrLimited), err)
	server.SetTime(noon.Add(30 * time.Millisecond))
	fmt.Println(limiter.Allow(ctx, "acme", 3))
	// Output:
	// true rate limit is reached: tenant "acme" may try again in 30ms
	// <nil>
}

func ExampleLocal() {
	limiter, err := ratelimit.NewLocal(ratelimit.Limit{Rate: 100, Burst: 10}, func() time.Time { return time.Unix(0, 0) })
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	fmt.Println(limiter.Allow(ctx, "acme", 10))
	fmt.Println(limiter.Allow(ctx, "acme", 1))
	// Output:
	// <nil>
	// rate limit is reached: tenant "acme" may try again in 10ms
}
