package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/telemetry"
)

// admission measures how long Admit takes while events come at half of the rate
// that was measured, against a ring under a mutex (see ring): once against an
// append of bytes that were made before, and once against the same after
// Codec.Encode has made them of the event, which is what a recorder without any
// guarantee has to do, for the event's slices are the caller's again. Admit also
// stamps the event, takes the trace of the context, chooses the partition, keeps
// the bounds of the queue and the accounts, and assigns the sequence.
//
// Both are done for each event by the same goroutine, one right after the other
// and each first in turn, so that they meet the same machine: the same bursts,
// the same caches, the same sender and broker beside them. What it takes to make
// the event is in neither.
//
// A goroutine sleeps between its bursts of a millisecond. The first event after
// others had the processor finds cold caches; there are about as many of these
// as a p99 leaves out, so that is what it is made of: of how much code and memory
// an operation touches. p99 and ratio are the medians of the rounds.
func (b *bench) admission(ctx context.Context) error {
	if b.rate == 0 {
		return errors.New("no rate: measure the throughput too, or give -rate")
	}
	topic, err := b.topics.Create(ctx, "paced")
	if err != nil {
		return err
	}
	allocations, err := b.allocations(ctx, topic)
	if err != nil {
		return err
	}
	fmt.Printf("admission: %.2f allocations an event\n", allocations)
	var cases []*crowd
	for _, goroutines := range []int{1, 8, 64} {
		cases = append(cases, &crowd{goroutines: goroutines}, &crowd{goroutines: goroutines, encoded: true})
	}
	for range b.rounds {
		for _, c := range cases {
			r, err := b.pace(ctx, topic, c)
			if err != nil {
				return err
			}
			c.rounds = append(c.rounds, r)
		}
	}
	for _, c := range cases {
		fmt.Println(c)
	}
	return b.due(ctx, topic)
}

// crowd is one comparison.
type crowd struct {
	goroutines int
	encoded    bool // the ring's bytes are made of the event, too
	rounds     []paced
}

func (c *crowd) String() string {
	of := func(value func(paced) float64) []float64 {
		var all []float64
		for _, r := range c.rounds {
			all = append(all, value(r))
		}
		return all
	}
	baseline := "a ring's"
	if c.encoded {
		baseline = "encoding and a ring's"
	}
	ratios := of(func(r paced) float64 { return r.ours.p99 / r.ring.p99 })
	return fmt.Sprintf("admission from %d goroutines at %.0f events/s: p50 %.2f µs, p99 %.2f µs; %s p50 %.2f µs, p99 %.2f µs: %.1f times (%.1f to %.1f in %d rounds)",
		c.goroutines, compare.Median(of(func(r paced) float64 { return r.reached })),
		compare.Median(of(func(r paced) float64 { return r.ours.p50 })), compare.Median(of(func(r paced) float64 { return r.ours.p99 })), baseline,
		compare.Median(of(func(r paced) float64 { return r.ring.p50 })), compare.Median(of(func(r paced) float64 { return r.ring.p99 })),
		compare.Median(ratios), slices.Min(ratios), slices.Max(ratios), len(c.rounds))
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

// pace lets goroutines admit events and append to a ring at a rate, in bursts.
func (b *bench) pace(ctx context.Context, topic string, c *crowd) (r paced, err error) {
	goroutines := c.goroutines
	var codec *telemetry.Codec
	if c.encoded {
		if codec, err = telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None); err != nil {
			return r, err
		}
	}
	err = b.both(ctx, topic, func(p *telemetry.Producer, ring *ring) error {
		r, err = b.bursts(ctx, p, ring, goroutines, codec)
		return err
	})
	return r, err
}

// both gives a use a producer that has found its topic, and a ring with its
// consumer.
func (b *bench) both(ctx context.Context, topic string, use func(*telemetry.Producer, *ring) error) (err error) {
	p, err := b.producer(topic) //nolint:contextcheck // Close ends it
	if err != nil {
		return err
	}
	defer func() {
		if _, closing := p.Close(ctx); err == nil {
			err = closing
		}
	}()
	if err := p.Admit(ctx, event("job-1/2/first", 0, time.Now())); err != nil { // looks up the topic
		return err
	}
	ring := newRing()
	drained := make(chan struct{})
	dctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // as long as anyone appends
	go func() { defer close(drained); ring.drain(dctx) }()
	defer func() { stop(); <-drained }()
	return use(p, ring)
}

// bursts lets each goroutine do what is due every millisecond.
func (b *bench) bursts(ctx context.Context, p *telemetry.Producer, ring *ring, goroutines int, codec *telemetry.Codec) (r paced, err error) {
	samples := make([]sample, goroutines)
	g, gctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for w := range goroutines {
		g.Go(func() error {
			s := &samples[w]
			s.codec = codec
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
	all := joined(samples)
	if err != nil || len(all.ours) == 0 {
		return r, errors.Join(err, ctx.Err())
	}
	return paced{latencyOf(all.ours), latencyOf(all.ring), float64(len(all.ours)) / elapsed.Seconds()}, nil
}

// sample is what one goroutine measures.
type sample struct {
	body       [frameBytes]byte
	codec      *telemetry.Codec // makes the ring's bytes; nil for those there are
	ours, ring []time.Duration
}

// take admits one event and appends to the ring, in the order that is asked for.
func (s *sample) take(ctx context.Context, p *telemetry.Producer, r *ring, e telemetry.Event, ringFirst bool) (err error) {
	began := time.Now()
	if ringFirst {
		if err := s.append(r, e); err != nil {
			return err
		}
		middle := time.Now()
		err = p.Admit(ctx, e)
		s.ours, s.ring = append(s.ours, time.Since(middle)), append(s.ring, middle.Sub(began))
		return err
	}
	if err := p.Admit(ctx, e); err != nil {
		return err
	}
	middle := time.Now()
	err = s.append(r, e)
	s.ring, s.ours = append(s.ring, time.Since(middle)), append(s.ours, middle.Sub(began))
	return err
}

// append puts an event into the ring, which waits for its consumer as Admit does.
func (s *sample) append(r *ring, e telemetry.Event) error {
	body := s.body[:]
	if s.codec != nil {
		var err error
		if body, err = s.codec.Encode(e); err != nil {
			return err
		}
	}
	r.append(body)
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
