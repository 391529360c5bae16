package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

const (
	taskType = "cohort:shard"
	// maxRetry is how often asynq hands a task out again after a worker's
	// error; then the coordinator drives the shard anew.
	maxRetry = 5
	// enqueuers is how many tasks are enqueued at once.
	enqueuers = 16
)

// Client is the coordinator's end of the queue. It is safe for concurrent use.
type Client struct {
	redis     redis.UniversalClient
	prefix    Prefix
	asynq     *asynq.Client
	inspector *asynq.Inspector
}

// NewClient returns a client on a connection that the caller keeps and closes.
func NewClient(r redis.UniversalClient, p Prefix) *Client {
	return &Client{redis: r, prefix: p, asynq: asynq.NewClientFromRedisClient(r), inspector: asynq.NewInspectorFromRedisClient(r)}
}

// Enqueue adds tasks. A task that is there already is left as it is, so Enqueue
// is safe to repeat.
func (c *Client) Enqueue(ctx context.Context, tasks []Task) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(enqueuers)
	for _, t := range tasks {
		g.Go(func() error {
			payload, err := json.Marshal(t)
			if err != nil {
				return fmt.Errorf("enqueue %s: %w", t.ID(), err)
			}
			_, err = c.asynq.EnqueueContext(ctx, asynq.NewTask(taskType, payload),
				asynq.TaskID(t.ID()), asynq.Queue(c.prefix.queueOf(t.Shard)),
				asynq.MaxRetry(maxRetry), asynq.Timeout(t.Timeout), asynq.Retention(0))
			if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
				return fmt.Errorf("enqueue %s: %w", t.ID(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// Status says what the queue knows of a task.
func (c *Client) Status(ctx context.Context, t Task) (Status, error) {
	info, err := c.inspector.GetTaskInfo(c.prefix.queueOf(t.Shard), t.ID())
	switch {
	case errors.Is(err, asynq.ErrTaskNotFound), errors.Is(err, asynq.ErrQueueNotFound):
		return Status{Condition: Unknown}, nil
	case err != nil:
		return Status{}, fmt.Errorf("look up task %s: %w", t.ID(), err)
	}
	status := Status{Condition: Waiting, LastError: info.LastErr}
	switch info.State {
	case asynq.TaskStateArchived:
		status.Condition = Lapsed
	case asynq.TaskStateCompleted:
		status.Condition = Unknown
	case asynq.TaskStateActive:
		alive, err := c.redis.Exists(ctx, c.prefix.alive(t.ID())).Result()
		if err != nil {
			return Status{}, fmt.Errorf("look up the worker of %s: %w", t.ID(), err)
		}
		if status.Condition = Running; alive == 0 {
			status.Condition = Lapsed
		}
	case asynq.TaskStatePending, asynq.TaskStateScheduled, asynq.TaskStateRetry, asynq.TaskStateAggregating:
	}
	return status, nil
}
