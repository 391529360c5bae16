package queue_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

// A client of Redis that was closed during an outage sleeps for a second more.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const prefix = queue.Prefix("test")

// connect starts a Redis of the test's own and connects to it.
func connect(t *testing.T) *redis.Client {
	t.Helper()
	server, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	c := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// rollouts is drive 1 of a rollout shard.
func rollouts(index int) queue.Task {
	return queue.Task{
		Version: queue.TaskVersion, Drive: 1, Timeout: time.Minute,
		Shard: job.Shard{Unit: job.Unit{Job: "j", Step: 1}, Phase: job.Rollout, Index: index},
	}
}

func enqueue(t *testing.T, c *queue.Client, tasks ...queue.Task) {
	t.Helper()
	if err := c.Enqueue(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
}

// serve runs a server until stop is called, which waits for it.
func serve(t *testing.T, r *redis.Client, grace time.Duration, handle queue.Handler) (stop func()) {
	t.Helper()
	s := queue.NewServer(r, prefix, queue.ServerConfig{Shards: 1, Check: time.Millisecond, Grace: grace, Logger: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, handle) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// eventually asks until the task has the condition.
func eventually(t *testing.T, c *queue.Client, task queue.Task, want queue.Condition) queue.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := c.Status(t.Context(), task)
		if err != nil {
			t.Fatal(err)
		}
		if status.Condition == want {
			return status
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the task's status is %+v, want condition %d", status, want)
		}
	}
}

// receive takes a value that must come within seconds.
func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
	}
	return v
}
