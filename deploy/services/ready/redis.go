package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/trust"
)

// askRedis sends PING. Redis refuses it while it still loads its data.
func askRedis(ctx context.Context, addr string) error {
	var secured *tls.Config
	if file := os.Getenv("COHORT_REDIS_CA"); file != "" {
		var err error
		if secured, err = trust.Client(file); err != nil {
			return err
		}
	}
	client := redis.NewClient(&redis.Options{
		Addr: addr, MaxRetries: -1, TLSConfig: secured,
		Username: os.Getenv("COHORT_REDIS_USER"), Password: os.Getenv("COHORT_REDIS_PASSWORD"),
	})
	defer func() { _ = client.Close() }()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("ping redis at %s: %w", addr, err)
	}
	return nil
}
