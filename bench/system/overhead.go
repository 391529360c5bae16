package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/bench/noop"
	"github.com/cohort-rl/cohort/bench/profile"
	"github.com/cohort-rl/cohort/bench/stage"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// attempts keeps what the agent did. It is safe for concurrent use.
type attempts struct {
	mu   sync.Mutex // guards seen
	seen []profile.Attempt
}

func (a *attempts) note(step int, began, ended time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, profile.Attempt{Step: step, Began: began, Ended: ended})
}

// taken is what was measured of one worker inside this process.
type taken struct {
	bare     float64 // rollouts in a second of the bare loop
	requests []profile.Request
	steps    []profile.Step
}

// overhead measures where the time of a step goes.
func (b *bed) overhead(ctx context.Context, rollouts int) error {
	load := stage.Load{Rollouts: rollouts, PerShard: 16}
	t, err := b.inside(ctx, load)
	if err != nil {
		return err
	}
	if len(t.steps) == 0 {
		return errors.New("no step was measured")
	}
	step := median(t.steps, func(s profile.Step) time.Duration { return s.Time })
	asked := median(t.steps, func(s profile.Step) time.Duration { return s.Agent })
	bare := time.Duration(float64(rollouts) / t.bare * float64(time.Second))
	fmt.Printf("\n%s: where a step of %d no-op rollouts goes, one worker, all in one process, median of %d steps\n", b.services.Name, rollouts, len(t.steps))
	fmt.Printf("  step %.1fms = in the agent %.1fms + overhead %.1fms; the bare loop takes %.1fms (%.0f rollouts/s): ratio %.2f\n",
		milliseconds(step), milliseconds(asked), milliseconds(step-asked), milliseconds(bare), t.bare, float64(step)/float64(bare))
	fmt.Printf("  phases, ms:")
	for i, name := range profile.Phases {
		fmt.Printf(" %s %.1f", name, milliseconds(median(t.steps, func(s profile.Step) time.Duration { return s.Phases[i] })))
	}
	fmt.Printf("\n  requests to the store and to Kafka in a step:\n")
	all := 0.0
	for _, c := range profile.Costs(t.requests, t.steps) {
		all += c.PerStep
		fmt.Printf("  %7.1f x %6.2fms  %-11s %-6s %s\n", c.PerStep, milliseconds(c.Mean), c.Who, c.Method, c.Class)
	}
	fmt.Printf("  %7.1f in all\n", all)
	return nil
}

func median(steps []profile.Step, of func(profile.Step) time.Duration) time.Duration {
	values := make([]time.Duration, len(steps))
	for i, s := range steps {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// inside runs coordinator, worker and agent in this process.
func (b *bed) inside(ctx context.Context, load stage.Load) (t taken, err error) {
	url, err := b.services.Folder(b.folder())
	if err != nil {
		return t, err
	}
	ctx, release := context.WithCancel(ctx)
	defer release()
	store, err := open.Open(ctx, url, open.Options{Create: true})
	if err != nil {
		return t, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return t, err
	}
	var seen attempts
	var recorder profile.Recorder
	address := "http://" + listener.Addr().String()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	g, gctx := errgroup.WithContext(running)
	g.Go(func() error { return noop.Serve(gctx, listener, noop.New(noop.Config{Ask: b.ask, Seen: seen.note})) })
	system := profile.System{
		Redis: b.services.Redis, Kafka: b.services.Kafka, Store: store, Workers: 1, Shards: shards, Check: b.services.Check,
		Logger: slog.New(slog.DiscardHandler), Recorder: &recorder,
	}
	err = system.Run(gctx, func(ctx context.Context, log *kafka.Log, d deployment.Deployment) error {
		if err := b.bareLoop(ctx, &t, address, load, log, d); err != nil {
			return err
		}
		id, err := stage.Submit(ctx, store, address, load)
		if err != nil {
			return err
		}
		c := stage.Cluster{Store: store}
		if err := b.profiled(func() error {
			_, err := c.Watch(ctx, id, load.Rollouts, b.seconds)
			return err
		}); err != nil {
			return err
		}
		return stage.Cancel(ctx, store, id)
	})
	cancel()
	err = errors.Join(err, g.Wait(), stage.Clear(ctx, store))
	t.requests = recorder.Requests()
	t.steps = profile.Steps(t.requests, seen.seen)
	return t, err
}

// profiled runs f, and profiles it if the user wants that. The last case's
// profile stays.
func (b *bed) profiled(f func() error) (err error) {
	if b.cpu == "" {
		return f()
	}
	file, err := os.Create(b.cpu)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// bareLoop measures the agent alone, on a topic of its own, with as many
// attempts at once as a step has.
func (b *bed) bareLoop(ctx context.Context, t *taken, address string, load stage.Load, log *kafka.Log, d deployment.Deployment) (err error) {
	const partitions = 4
	topic := d.TopicPrefix() + "bare"
	if err := log.Create(ctx, topic, partitions, time.Hour); err != nil {
		return err
	}
	to := agent.TracesAddress{Brokers: []string{b.services.Kafka}, Topic: topic, Partitions: partitions}
	t.bare, err = noop.Loop(ctx, address+"/rollouts", to, min(load.Rollouts, shards*load.PerShard), b.seconds/2)
	return err
}
