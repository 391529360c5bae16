package services

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// nonce returns 128 random bits in hexadecimal.
func nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return hex.EncodeToString(b[:])
}

// Validate names the first flag that is out of its bounds.
func (c Config) Validate() error { return nil }

// OpenStore opens the store without asking it anything. A folder is made where
// it is missing, a bucket never.
func (c Config) OpenStore(ctx context.Context) (blob.Bucket, error) {
	return open.Open(ctx, c.Store, open.Options{Create: true})
}

// OpenRedis returns a client of Redis that connects when it is used.
func (c Config) OpenRedis(context.Context) (redis.UniversalClient, error) {
	return redis.NewClient(&redis.Options{Addr: c.Redis[0], ClientName: "cohort"}), nil
}

// OpenKafka returns the log on Kafka, which connects when it is used.
func (c Config) OpenKafka(context.Context) (*kafka.Log, error) {
	return kafka.Open(c.Kafka...)
}
