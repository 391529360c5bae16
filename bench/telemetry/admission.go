package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/telemetry"
)

// admission measures how long Admit takes while events come at half of the rate
// that was measured, and how long it takes to append as many bytes to a ring
// under a mutex. Both are done for each event by the same goroutine, one right
// after the other and each first in turn, so that both meet the same machine:
// the same bursts, caches that others used meanwhile, and the same sender and
// broker beside them. Admit is given the event and has to check, stamp, encode
// and route it; the ring is given bytes that were made before. What it takes to
// make the event is in neither.
//
// Each goroutine sleeps between its bursts of a millisecond, so the first of a
// burst finds cold caches, and from 64 goroutines nearly every event is a first
// one: that is what most of a p99 is made of. p99 and ratio are the medians of
// the rounds.
func (b *bench) admission(ctx context.Context) error {
	if b.rate == 0 {
		return errors.New("no rate: measure the throughput too, or give -rate")
	}
	topic, err := b.topic(ctx, "paced")
	if err != nil {
		return err
	}
	allocations, err := b.allocations(ctx, topic)
	if err != nil {
		return err
	}
	fmt.Printf("admission: %.2f allocations an event\n", allocations)
	crowds := []int{1, 8, 64}
	rounds := make([][]paced, len(crowds))
	for range b.rounds {
		for i, goroutines := range crowds {
			r, err := b.pace(ctx, topic, goroutines)
			if err != nil {
				return err
			}
			rounds[i] = append(rounds[i], r)
		}
	}
	for i, goroutines := range crowds {
		of := func(value func(paced) float64) []float64 {
			var all []float64
			for _, r := range rounds[i] {
				all = append(all, value(r))
			}
			return all
		}
		ratios := of(func(r paced) float64 { return r.ours.p99 / r.ring.p99 })
		fmt.Printf("admission from %d goroutines at %.0f events/s: p50 %.2f µs, p99 %.2f µs; a ring's p50 %.2f µs, p99 %.2f µs: %.1f times (%.1f to %.1f in %d rounds)\n",
			goroutines, median(of(func(r paced) float64 { return r.reached })),
			median(of(func(r paced) float64 { return r.ours.p50 })), median(of(func(r paced) float64 { return r.ours.p99 })),
			median(of(func(r paced) float64 { return r.ring.p50 })), median(of(func(r paced) float64 { return r.ring.p99 })),
			median(ratios), slices.Min(ratios), slices.Max(ratios), b.rounds)
	}
	return nil
}

// tick is how often a goroutine admits what is due.
const tick = time.Millisecond

// paced is what a round measured.
type paced struct {
	ours, ring latency
	reached    float64 // events a second
}

// latency is in microseconds.
type latency struct{ p50, p99 float64 }

func latencyOf(all []time.Duration) latency {
	slices.Sort(all)
	at := func(q float64) float64 { return all[int(q*float64(len(all)-1))].Seconds() * 1e6 }
	return latency{at(0.5), at(0.99)}
}

// pace lets goroutines admit events and append to a ring at a rate.
func (b *bench) pace(ctx context.Context, topic string, goroutines int) (r paced, err error) {
	p, err := b.producer(topic) //nolint:contextcheck // Close ends it
	if err != nil {
		return r, err
	}
	defer func() {
		if _, closing := p.Close(ctx); err == nil {
			err = closing
		}
	}()
	if err := p.Admit(ctx, event("job-1/2/first", 0, time.Now())); err != nil { // looks up the topic
		return r, err
	}
	ring := newRing()
	drained := make(chan struct{})
	dctx, stop := context.WithCancel(ctx)
	go func() { defer close(drained); ring.drain(dctx) }()
	defer func() { stop(); <-drained }()
	samples := make([]sample, goroutines)
	g, gctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for w := range goroutines {
		g.Go(func() error {
			s := &samples[w]
			expected := int(1.5 * b.paced.Seconds() * b.rate / float64(goroutines))
			s.ours, s.ring = make([]time.Duration, 0, expected), make([]time.Duration, 0, expected)
			ticker := time.NewTicker(tick)
			defer ticker.Stop()
			for n := 0; time.Since(begin) < b.paced; {
				e := event(fmt.Sprintf("job-1/2/%d-%d", w, n/100), uint64(n%100), time.Now()) //nolint:gosec // not negative
				for due := int(time.Since(begin).Seconds() * b.rate / float64(goroutines)); n < due; n++ {
					if err := s.take(gctx, p, ring, e, n%2 == 0); err != nil {
						return err
					}
				}
				select {
				case <-ticker.C:
				case <-gctx.Done():
					return gctx.Err()
				}
			}
			return nil
		})
	}
	err = g.Wait()
	elapsed := time.Since(begin)
	var all sample
	for _, s := range samples {
		all.ours, all.ring = append(all.ours, s.ours...), append(all.ring, s.ring...)
	}
	if err != nil || len(all.ours) == 0 {
		return r, errors.Join(err, ctx.Err())
	}
	return paced{latencyOf(all.ours), latencyOf(all.ring), float64(len(all.ours)) / elapsed.Seconds()}, nil
}

// sample is what one goroutine measured.
type sample struct {
	body       [frameBytes]byte
	ours, ring []time.Duration
}

// take admits one event and appends to the ring, in the order that is asked for.
func (s *sample) take(ctx context.Context, p *telemetry.Producer, r *ring, e telemetry.Event, ringFirst bool) (err error) {
	if ringFirst {
		began := time.Now()
		full := !r.append(s.body[:])
		middle := time.Now()
		err = p.Admit(ctx, e)
		s.ours, s.ring = append(s.ours, time.Since(middle)), append(s.ring, middle.Sub(began))
		return errors.Join(err, fullIf(full))
	}
	began := time.Now()
	err = p.Admit(ctx, e)
	middle := time.Now()
	full := !r.append(s.body[:])
	s.ring, s.ours = append(s.ring, time.Since(middle)), append(s.ours, middle.Sub(began))
	return errors.Join(err, fullIf(full))
}

func fullIf(full bool) error {
	if full {
		return errors.New("the ring is full: its consumer was held up too long")
	}
	return nil
}

// allocations is how many an admission makes. Nothing is sent meanwhile.
func (b *bench) allocations(ctx context.Context, topic string) (float64, error) {
	const events = 10_000
	p, err := telemetry.NewProducer(telemetry.Config{Brokers: b.brokers, Topic: topic, Linger: time.Hour, BatchEvents: 10 * events}) //nolint:contextcheck // Close ends it
	if err != nil {
		return 0, err
	}
	e := event("job-1/2/thread", 0, time.Now())
	if err := p.Admit(ctx, e); err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range events {
		if err := p.Admit(ctx, e); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	_, err = p.Close(ctx)
	return float64(after.Mallocs-before.Mallocs) / events, err
}
