package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"
)

// Depth is how much work waits in one of a deployment's queues.
type Depth struct {
	// Queue is collect, eval or training.
	Queue string
	// Waiting counts the tasks that wait for a worker, those included that wait
	// after an error; Running those in hand.
	Waiting, Running int
	// Oldest is how long the task waits that waits longest, without those that
	// wait after an error.
	Oldest time.Duration
}

// Depths returns the depth of each queue, ordered by name.
func (c *Client) Depths(ctx context.Context) ([]Depth, error) {
	var depths []Depth
	for _, name := range []string{collectQueue, evalQueue, trainingQueue} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d := Depth{Queue: name}
		info, err := c.inspector.GetQueueInfo(c.prefix.queue(name))
		switch {
		case missing(err):
		case err != nil:
			return nil, fmt.Errorf("look up queue %s: %w", name, err)
		default:
			d.Waiting, d.Running, d.Oldest = info.Pending+info.Scheduled+info.Retry, info.Active, info.Latency
		}
		depths = append(depths, d)
	}
	return depths, nil
}

// missing says whether a queue has never had a task. The library wraps its own
// error in one that tells it by its text alone.
func missing(err error) bool {
	return errors.Is(err, asynq.ErrQueueNotFound) || err != nil && strings.Contains(err.Error(), "NOT_FOUND")
}

// Hands returns how many shards all workers of the deployment together can have
// in hand, as they said in the last seconds.
func (c *Client) Hands(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	servers, err := c.inspector.Servers()
	if err != nil {
		return 0, fmt.Errorf("look up the workers: %w", err)
	}
	hands := 0
	for _, s := range servers {
		if _, ours := s.Queues[c.prefix.queue(trainingQueue)]; ours {
			hands += s.Concurrency
		}
	}
	return hands, nil
}
