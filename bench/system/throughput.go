package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/bench/stage"
)

// noop measures rollouts that end at once.
func (b *bed) noop(ctx context.Context, rollouts int) error {
	return b.scale(ctx, "no-op rollouts", 0, shards, stage.Load{Rollouts: rollouts, PerShard: 16})
}

// latent measures rollouts that wait. A worker has few of them in flight, so
// that several workers have something to share.
func (b *bed) latent(ctx context.Context, rollouts int) error {
	return b.scale(ctx, fmt.Sprintf("rollouts of %s", b.latency), b.latency, waiting/b.shard, stage.Load{Rollouts: rollouts, PerShard: b.shard})
}

// scale measures a load with each number of workers, which have so many shards
// in hand.
func (b *bed) scale(ctx context.Context, what string, latency time.Duration, shards int, load stage.Load) error {
	fmt.Printf("\n%s: %s, %d in a step, %d in a shard, %d in flight per worker at most\n",
		b.services.Name, what, load.Rollouts, load.PerShard, shards*load.PerShard)
	fmt.Printf("  %7s %11s %6s %9s  %s\n", "workers", "rollouts/s", "ratio", "step", "CPU seconds per 1,000 rollouts")
	var baseline float64
	for _, workers := range b.workers {
		f, err := b.once(ctx, workers, latency, shards, load)
		if err != nil {
			return fmt.Errorf("%d workers: %w", workers, err)
		}
		if baseline == 0 {
			baseline = f.PerSecond
		}
		fmt.Printf("  %7d %11.0f %6.2f %7.1fms  %s\n", workers, f.PerSecond, f.PerSecond/baseline, milliseconds(f.Step), spent(f.CPU))
	}
	return nil
}

// once measures a load with some workers.
func (b *bed) once(ctx context.Context, workers int, latency time.Duration, shards int, load stage.Load) (f stage.Figures, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c, err := stage.Run(ctx, b.services, b.folder(), stage.Cast{
		Bin: b.bin, Self: b.self, Workers: workers, Shards: shards, Dir: b.dir,
		AgentFlags: []string{"-latency", latency.String(), fmt.Sprintf("-ask=%t", b.ask)},
	})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, c.Stop(), stage.Clear(ctx, c.Store)) }()
	id, err := stage.Submit(ctx, c.Store, c.Agent, load)
	if err != nil {
		return f, err
	}
	if f, err = c.Watch(ctx, id, load.Rollouts, b.seconds); err != nil {
		return f, errors.Join(err, c.Said())
	}
	return f, stage.Cancel(ctx, c.Store, id)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// spent lists processor times by process, and their sum.
func spent(cpu map[string]time.Duration) string {
	var text []string
	var sum time.Duration
	for _, name := range slices.Sorted(maps.Keys(cpu)) {
		text = append(text, fmt.Sprintf("%s %.2f", name, cpu[name].Seconds()))
		sum += cpu[name]
	}
	return fmt.Sprintf("%.2f: %s", sum.Seconds(), strings.Join(text, ", "))
}
