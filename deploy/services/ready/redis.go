package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// askRedis sends PING. Redis refuses it while it still loads its data.
func askRedis(ctx context.Context, addr string) error {
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis at %s: %w", addr, err)
	}
	return nil
}
