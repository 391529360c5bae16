package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/job"
)

// hold takes a lease that is free, or prolongs one's own.
const hold = `
local holder = redis.call('GET', KEYS[1])
if holder == false or holder == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
`

// release gives up one's own lease.
const release = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`

// Hold takes or keeps the lease that names a job's driver. It only avoids
// wasted work; nothing is safe because of it.
func (c *Client) Hold(ctx context.Context, id job.ID, holder string, ttl time.Duration) (bool, error) {
	held, err := redis.NewScript(hold).Run(ctx, c.redis, []string{c.prefix.lease(id)}, holder, ttl.Milliseconds()).Bool()
	if err != nil {
		return false, fmt.Errorf("hold the lease of job %s: %w", id, err)
	}
	return held, nil
}

// Release gives the lease up, if holder has it.
func (c *Client) Release(ctx context.Context, id job.ID, holder string) error {
	if err := redis.NewScript(release).Run(ctx, c.redis, []string{c.prefix.lease(id)}, holder).Err(); err != nil {
		return fmt.Errorf("release the lease of job %s: %w", id, err)
	}
	return nil
}
