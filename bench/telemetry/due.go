package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/telemetry"
)

// due measures what somebody waits whose event is there at a moment: from then
// until it is admitted, or is in the ring. Events come one by one, evenly, at the
// rate for each of the two, in turns; so both meet the same bursts of the sender
// and the broker, and the same queue for a processor, which nearly all of the
// wait is. A goroutine that has nothing due lets others run.
func (b *bench) due(ctx context.Context, topic string) error {
	for _, goroutines := range []int{1, 8, 64} {
		var rounds []paced
		for range b.rounds {
			var r paced
			err := b.both(ctx, topic, func(p *telemetry.Producer, ring *ring) (err error) {
				r, err = b.even(ctx, p, ring, goroutines)
				return err
			})
			if err != nil {
				return err
			}
			rounds = append(rounds, r)
		}
		of := func(value func(paced) float64) []float64 {
			var all []float64
			for _, r := range rounds {
				all = append(all, value(r))
			}
			return all
		}
		ratios := of(func(r paced) float64 { return r.ours.p99 / r.ring.p99 })
		fmt.Printf("admission from %d goroutines, one by one at %.0f events/s, from when it is due: p50 %.2f µs, p99 %.2f µs; a ring's p50 %.2f µs, p99 %.2f µs: %.1f times (%.1f to %.1f in %d rounds)\n",
			goroutines, compare.Median(of(func(r paced) float64 { return r.reached })),
			compare.Median(of(func(r paced) float64 { return r.ours.p50 })), compare.Median(of(func(r paced) float64 { return r.ours.p99 })),
			compare.Median(of(func(r paced) float64 { return r.ring.p50 })), compare.Median(of(func(r paced) float64 { return r.ring.p99 })),
			compare.Median(ratios), slices.Min(ratios), slices.Max(ratios), len(ratios))
	}
	return nil
}

// even lets each goroutine do one thing after the other, when it is due.
func (b *bench) even(ctx context.Context, p *telemetry.Producer, ring *ring, goroutines int) (paced, error) {
	between := time.Duration(float64(time.Second) * float64(goroutines) / (2 * b.rate)) // half of it is the ring's
	samples := make([]sample, goroutines)
	g, gctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for w := range goroutines {
		g.Go(func() error {
			s := &samples[w]
			expected := int(1.5*b.paced.Seconds()*b.rate)/goroutines + 1
			s.ours, s.ring = make([]time.Duration, 0, expected), make([]time.Duration, 0, expected)
			at := begin.Add(between * time.Duration(w) / time.Duration(goroutines))
			for n := 0; at.Sub(begin) < b.paced; n, at = n+1, at.Add(between) {
				e := event(fmt.Sprintf("job-1/2/%d-%d", w, n/200), uint64(n%200/2), at) //nolint:gosec // not negative
				for time.Since(at) < 0 {
					runtime.Gosched()
				}
				if n%2 == w%2 {
					s.ring = append(s.ring, elapsed(at, func() { ring.append(s.body[:]) }))
					continue
				}
				var err error
				s.ours = append(s.ours, elapsed(at, func() { err = p.Admit(gctx, e) }))
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	all := joined(samples)
	if err != nil || len(all.ours) == 0 || len(all.ring) == 0 {
		return paced{}, err
	}
	return paced{latencyOf(all.ours), latencyOf(all.ring), float64(len(all.ours)) / time.Since(begin).Seconds()}, nil
}

// elapsed is how long after a moment something is done.
func elapsed(from time.Time, do func()) time.Duration {
	do()
	return time.Since(from)
}

// joined are the samples of all goroutines.
func joined(samples []sample) (all sample) {
	for _, s := range samples {
		all.ours, all.ring = append(all.ours, s.ours...), append(all.ring, s.ring...)
	}
	return all
}
