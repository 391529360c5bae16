package profile

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/coordinator"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
	"github.com/cohort-rl/cohort/worker"
)

// System is a coordinator and workers inside this process.
type System struct {
	Redis, Kafka string
	Store        blob.Bucket
	Workers      int
	// Shards is how many shards a worker has in hand, Check how often it asks
	// for more when it is idle.
	Shards int
	Check  time.Duration
	Logger *slog.Logger
	// Recorder takes the requests to the store and to Kafka down.
	Recorder *Recorder
}

func nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return hex.EncodeToString(b[:])
}

// Run runs the system until use returns, whose error it returns.
func (s System) Run(ctx context.Context, use func(ctx context.Context, log *kafka.Log, d deployment.Deployment) error) (err error) {
	d, err := deployment.Join(ctx, s.Store, nonce())
	if err != nil {
		return err
	}
	redis := redis.NewClient(&redis.Options{Addr: s.Redis})
	defer func() { err = errors.Join(err, redis.Close()) }()
	log, err := kafka.Open(kafka.Config{Brokers: []string{s.Kafka}})
	if err != nil {
		return err
	}
	defer log.Close()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return err
	}
	shards := queue.NewClient(redis, d.RedisPrefix())
	supervisor := coordinator.NewSupervisor(coordinator.Config{
		Store: s.Recorder.Bucket("coordinator", s.Store), Log: s.Recorder.Log("coordinator", log), Codec: codec, Queue: shards, Hands: shards.Hands,
		Clock: clock.System{}, Nonce: nonce, Logger: s.Logger, Name: "coordinator",
		TopicPrefix: d.TopicPrefix(), Poll: 500 * time.Millisecond,
	}, 200*time.Millisecond, 3*time.Second)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := supervisor.Run(gctx); gctx.Err() == nil {
			return fmt.Errorf("coordinator: %w", err)
		}
		return nil
	})
	for i := range s.Workers {
		g.Go(func() error { return s.work(gctx, i, redis, log, codec, d) })
	}
	g.Go(func() error {
		defer stop()
		return use(gctx, log, d)
	})
	return g.Wait()
}

// work runs one worker.
func (s System) work(ctx context.Context, i int, r *redis.Client, log *kafka.Log, codec *telemetry.Codec, d deployment.Deployment) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := queue.NewServer(r, d.RedisPrefix(), queue.ServerConfig{Shards: s.Shards, Check: s.Check, Grace: time.Second, Logger: s.Logger})
	host := serve.NewHost(64)
	w := worker.New(worker.Config{
		Store: s.Recorder.Bucket("worker", s.Store), Log: s.Recorder.Log("worker", log), Codec: codec, Reports: server,
		Policies: serve.Site{Host: host, Base: "http://" + listener.Addr().String()},
		Agents: func(def *job.Definition) (worker.Agent, error) {
			return agent.NewClient(agent.Config{URL: def.Spec.Agent.URL, Concurrency: s.Shards * def.Spec.Limits.RolloutsInFlight})
		},
		Brokers: []string{s.Kafka}, Clock: clock.System{}, Nonce: nonce, Logger: s.Logger, Name: "worker-" + strconv.Itoa(i+1),
	})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return host.Serve(gctx, listener) })
	g.Go(func() error { w.Pulse(gctx); return nil })
	g.Go(func() error { return server.Run(gctx, w.Handle) })
	return g.Wait()
}
