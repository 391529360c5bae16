package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/telemetry"
)

// admission measures how long Admit takes while events come at half of the rate
// that was measured, and how long it takes to append the same bytes to a ring
// under a mutex, each time just before.
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
	for _, goroutines := range []int{1, 8, 64} {
		ours, ring, reached, err := b.pace(ctx, topic, goroutines)
		if err != nil {
			return err
		}
		at := func(all []time.Duration, q float64) float64 {
			return all[int(q*float64(len(all)-1))].Seconds() * 1e6
		}
		fmt.Printf("admission from %d goroutines at %.0f events/s: p50 %.1f µs, p99 %.1f µs; a ring's p50 %.1f µs, p99 %.1f µs: %.1f times\n",
			goroutines, reached, at(ours, 0.5), at(ours, 0.99), at(ring, 0.5), at(ring, 0.99), at(ours, 0.99)/at(ring, 0.99))
	}
	return nil
}

// tick is how often a goroutine admits what is due.
const tick = time.Millisecond

// pace lets goroutines admit events at a rate, and returns what each admission
// and each append took, sorted, and the rate that came of it.
func (b *bench) pace(ctx context.Context, topic string, goroutines int) (ours, appends []time.Duration, reached float64, err error) {
	p, err := b.producer(topic) //nolint:contextcheck // Close ends it
	if err != nil {
		return nil, nil, 0, err
	}
	defer func() {
		if _, closing := p.Close(ctx); err == nil {
			err = closing
		}
	}()
	if err := p.Admit(ctx, event("job-1/2/first", 0, time.Now())); err != nil { // looks up the topic
		return nil, nil, 0, err
	}
	var mu sync.Mutex // guards ours and appends
	ring := newRing(1<<16, 300)
	begin := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for w := range goroutines {
		g.Go(func() error {
			var mine, base []time.Duration
			body := make([]byte, 300)
			ticker := time.NewTicker(tick)
			defer ticker.Stop()
			for n := 0; time.Since(begin) < b.paced; {
				e := event(fmt.Sprintf("job-1/2/%d-%d", w, n/100), uint64(n%100), time.Now()) //nolint:gosec // not negative
				for due := int(time.Since(begin).Seconds() * b.rate / float64(goroutines)); n < due; n++ {
					started := time.Now()
					ring.append(body)
					appended := time.Now()
					if err := p.Admit(gctx, e); err != nil {
						return err
					}
					base, mine = append(base, appended.Sub(started)), append(mine, time.Since(appended))
				}
				select {
				case <-ticker.C:
				case <-gctx.Done():
					return gctx.Err()
				}
			}
			mu.Lock()
			defer mu.Unlock()
			ours, appends = append(ours, mine...), append(appends, base...)
			return nil
		})
	}
	err = g.Wait()
	reached = float64(len(ours)) / time.Since(begin).Seconds()
	slices.Sort(ours)
	slices.Sort(appends)
	return ours, appends, reached, err
}

// ring is a queue of bounded length under a mutex, which copies what it takes.
type ring struct {
	mu    sync.Mutex // guards slots and next
	slots [][]byte
	next  int
}

func newRing(slots, size int) *ring {
	r := &ring{slots: make([][]byte, slots)}
	for i := range r.slots {
		r.slots[i] = make([]byte, size)
	}
	return r
}

func (r *ring) append(body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	copy(r.slots[r.next%len(r.slots)], body)
	r.next++
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
