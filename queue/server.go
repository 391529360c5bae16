package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

const (
	// delayedInterval is how often tasks are looked for whose pause after an
	// error is over; asynq's own 5 s would outlast most pauses.
	delayedInterval = 200 * time.Millisecond
	// leftAloneDelay is how long a task rests that a worker could not do.
	leftAloneDelay = 500 * time.Millisecond
	// aliveFor is how long a shard counts as in live hands after its last sign
	// of life; a sign is given every aliveEvery.
	aliveFor   = 3 * time.Second
	aliveEvery = time.Second
)

// Handler does one task. An error hands the task back.
type Handler func(ctx context.Context, t Task) error

// ServerConfig says how tasks are taken.
type ServerConfig struct {
	// Name names this worker to people.
	Name string
	// Shards is how many tasks are in hand at once.
	Shards int
	// Check is how often an idle server asks for tasks. On Redis 5 ms cost about
	// 6 % of a core and give a task to a worker within 4 ms.
	Check time.Duration
	// Grace is what tasks in hand get to end after the context has.
	Grace  time.Duration
	Logger *slog.Logger
}

// Server is the worker's end of the queue.
type Server struct {
	redis   redis.UniversalClient
	prefix  Prefix
	config  ServerConfig
	barrier *Barrier
	refusal *refusing
}

// NewServer returns a server on a connection that the caller keeps and closes.
func NewServer(r redis.UniversalClient, p Prefix, c ServerConfig) *Server {
	return &Server{redis: r, prefix: p, config: c, barrier: NewBarrier(r, p), refusal: &refusing{said: map[job.ID]time.Time{}}}
}

// Run takes tasks until ctx ends, then waits for those in hand for the grace
// period and hands the others back.
func (s *Server) Run(ctx context.Context, handle Handler) error {
	away := &outage{ping: func(ctx context.Context) error { return s.redis.Ping(ctx).Err() }, logger: s.config.Logger}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watch sync.WaitGroup
	watch.Go(func() { away.run(watching) })
	defer watch.Wait()
	defer stop()
	server := asynq.NewServerFromRedisClient(s.redis, asynq.Config{
		Concurrency:              s.config.Shards,
		Queues:                   s.prefix.queues(),
		TaskCheckInterval:        s.config.Check,
		DelayedTaskCheckInterval: delayedInterval,
		ShutdownTimeout:          s.config.Grace,
		RetryDelayFunc:           retryDelay,
		IsFailure:                func(err error) bool { return !errors.Is(err, ErrLeftAlone) },
		Logger:                   logger{s.config.Logger, away, watching},
		LogLevel:                 asynq.WarnLevel,
		BaseContext:              func() context.Context { return context.WithoutCancel(ctx) },
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc(taskType, func(ctx context.Context, t *asynq.Task) error { return s.serve(ctx, t, handle) })
	if err := server.Start(mux); err != nil {
		return fmt.Errorf("start the queue's server: %w", err)
	}
	<-ctx.Done()
	server.Stop()
	server.Shutdown()
	return nil
}

// retryDelay hands a task back to the queue at once after a lost lease, soon
// after an error, and a little later when this worker left it to others, lest it
// goes round without end.
func retryDelay(n int, err error, _ *asynq.Task) time.Duration {
	if errors.Is(err, asynq.ErrLeaseExpired) {
		return time.Millisecond
	}
	if errors.Is(err, ErrLeftAlone) {
		return leftAloneDelay
	}
	return min(200*time.Millisecond<<min(n, 5), 5*time.Second)
}

func (s *Server) serve(ctx context.Context, t *asynq.Task, handle Handler) error {
	var task Task
	if err := json.Unmarshal(t.Payload(), &task); err != nil {
		return fmt.Errorf("read task: %w: %w", err, asynq.SkipRetry)
	}
	ctx, cancel := context.WithCancel(ctx)
	var living sync.WaitGroup
	living.Go(func() { s.live(ctx, task.ID()) })
	defer living.Wait()
	defer cancel()
	err := handle(ctx, task)
	unit := task.Shard.Unit
	logger := s.config.Logger.With("job", string(unit.Job), "step", unit.Step, "shard", task.Shard.String(), "drive", task.Drive)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, ErrLeftAlone):
		s.leave(ctx, unit.Job, err, logger)
	default:
		logger.Warn("A shard was handed back.", "error", err)
	}
	return err
}

// live says every second that the task is in live hands.
func (s *Server) live(ctx context.Context, id string) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		if err := s.redis.Set(ctx, s.prefix.alive(id), "1", aliveFor).Err(); err != nil && ctx.Err() == nil {
			s.config.Logger.Debug("A sign of life could not be given.", "task", id, "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// Settled reports a settled shard of a phase of expected shards.
func (s *Server) Settled(ctx context.Context, t Task, expected int, digest blob.Digest) error {
	_, err := s.barrier.Count(ctx, t.Shard.Group(), t.Shard.String(), expected, string(digest))
	return err
}
