package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/bench/noop"
	"github.com/cohort-rl/cohort/bench/profile"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
	"github.com/cohort-rl/cohort/traces/kafka"
)

const document = `
name: bench
steps: %d
policy: {kind: linear, features: 4}
agent: {url: "http://%s/rollouts", timeout: 60s}
tasks: {data: tasks.jsonl, groups: %d, rollouts: 8}
optimizer: {kind: sgd, learning_rate: 0.01}
limits: {shard_rollouts: 16, rollouts_in_flight: 16}
`

// spec is that of the job.
func (o options) spec(agent string, k int) (*spec.Spec, error) {
	text := fmt.Sprintf(document, o.steps, agent, o.rollouts/8)
	if k > 0 {
		text += fmt.Sprintf("grpo: {staleness: %d, old: sampling}\n", k)
	}
	return spec.Decode("bench.yaml", []byte(text))
}

// measure trains a job with services of its own, and returns how many steps it
// makes in a second.
func (o options) measure(ctx context.Context, k int) (perSecond float64, err error) {
	dir, err := os.MkdirTemp("", "cohort-bench-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := open.Open(ctx, "file://"+dir+"/store", open.Options{Create: true})
	if err != nil {
		return 0, err
	}
	redis, err := embedded.StartRedis(ctx, embedded.RedisConfig{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	log, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: dir + "/kafka"})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	// There are hands for the shards of all steps that may be open at once, also
	// for staleness 0, so that nothing else differs.
	hands := (1 + slices.Max(staleness())) * (o.rollouts + 15) / 16
	system := profile.System{
		Redis: redis.Addr(), Kafka: log.Addr(), Store: store, Workers: 1, Shards: hands, Check: 10 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Recorder: new(profile.Recorder),
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(running)
	g.Go(func() error { return noop.Serve(gctx, listener, noop.New(noop.Config{Uneven: o.takes})) })
	err = system.Run(gctx, func(ctx context.Context, _ *kafka.Log, _ deployment.Deployment) (err error) {
		perSecond, err = o.train(ctx, store, listener.Addr().String(), k)
		return err
	})
	stop()
	if served := g.Wait(); err == nil && ctx.Err() == nil && !errors.Is(served, context.Canceled) {
		err = served
	}
	return perSecond, err
}

// train submits the job, waits for its end and reads from its log how fast it was.
func (o options) train(ctx context.Context, store blob.Bucket, agent string, k int) (float64, error) {
	s, err := o.spec(agent, k)
	if err != nil {
		return 0, err
	}
	def, _, err := submission.Submit(ctx, store, submission.Request{
		Spec: s, ID: "bench", At: time.Now(), Files: map[string][]byte{"tasks": []byte(strings.Repeat("{}\n", 64))},
	})
	if err != nil {
		return 0, err
	}
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		_, err := store.Head(ctx, def.ID.ActiveKey())
		if errors.Is(err, blob.ErrNotFound) {
			return stepsPerSecond(ctx, store, def.ID)
		}
		if err != nil {
			return 0, err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// stepsPerSecond is measured from the first commit to the last.
func stepsPerSecond(ctx context.Context, store blob.Bucket, id job.ID) (float64, error) {
	last, err := checkpoint.LastEntry(ctx, store, id, -1)
	if err != nil {
		return 0, err
	}
	end, err := checkpoint.ReadEntry(ctx, store, id, last)
	if err != nil {
		return 0, err
	}
	if end.End == nil || end.End.Verdict != job.Done {
		return 0, fmt.Errorf("the job did not end done: %+v", end.End)
	}
	first, err := checkpoint.ReadEntry(ctx, store, id, 1)
	if err != nil {
		return 0, err
	}
	newest, err := checkpoint.ReadEntry(ctx, store, id, last-1)
	if err != nil {
		return 0, err
	}
	return float64(last-2) / newest.At.Sub(first.At).Seconds(), nil
}
