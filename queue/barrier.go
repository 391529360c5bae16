package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// barrierTTL is how long the keys of a barrier outlive the last report. They are
// many, and a hint that is gone early costs half a second.
const barrierTTL = 5 * time.Minute

// settle counts a settled shard once, however often it is reported, and adds
// one element to the stream when all are there.
//
//	KEYS: the hash shard -> digest, the stream
//	ARGV: shard, digest, number of shards, milliseconds to live
//
// It returns fresh, duplicate, or last.
const settle = `
local fresh = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) and redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('XADD', KEYS[2], '*', 'shards', ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  return 'last'
end
if fresh == 1 then return 'fresh' end
return 'duplicate'
`

// Barrier counts the settled shards of phases. What it says is only a hint:
// the records in the object store alone say what is done.
type Barrier struct {
	redis  redis.UniversalClient
	prefix Prefix
	script *redis.Script
}

// NewBarrier returns a barrier on a connection that the caller keeps.
func NewBarrier(r redis.UniversalClient, p Prefix) *Barrier {
	return &Barrier{redis: r, prefix: p, script: redis.NewScript(settle)}
}

// Count reports a settled shard of a group that has expected shards.
func (b *Barrier) Count(ctx context.Context, group, shard string, expected int, digest string) (string, error) {
	said, err := b.script.Run(ctx, b.redis, []string{b.prefix.barrier(group), b.prefix.reached(group)},
		shard, digest, expected, barrierTTL.Milliseconds()).Text()
	if err != nil {
		return "", fmt.Errorf("report shard %s: %w", shard, err)
	}
	return said, nil
}

// Await returns when all shards of a group were reported, or after d, and how
// many were reported by then.
func (b *Barrier) Await(ctx context.Context, group string, d time.Duration) (reported int, err error) {
	err = b.redis.XRead(ctx, &redis.XReadArgs{
		Streams: []string{b.prefix.reached(group), "0"}, Count: 1, Block: max(d, time.Millisecond),
	}).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		return 0, fmt.Errorf("await the barrier of %s: %w", group, err)
	}
	n, err := b.redis.HLen(ctx, b.prefix.barrier(group)).Result()
	if err != nil {
		return 0, fmt.Errorf("count the reports of %s: %w", group, err)
	}
	return int(n), nil
}

// Await returns when all shards of a group were reported, or after d, and how
// many were reported by then.
func (c *Client) Await(ctx context.Context, group string, d time.Duration) (reported int, err error) {
	return NewBarrier(c.redis, c.prefix).Await(ctx, group, d)
}
