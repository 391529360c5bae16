package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	raw "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// throughput records the events, reads back what was sent, and lets a raw Writer
// send the same again.
func (b *bench) throughput(ctx context.Context) error {
	ours, err := b.topics.Create(ctx, "ours")
	if err != nil {
		return err
	}
	theirs, err := b.topics.Create(ctx, "raw")
	if err != nil {
		return err
	}
	events := b.prepare()
	if _, err := b.record(ctx, ours, events); err != nil { // a cold broker is slow
		return err
	}
	messages, err := b.sent(ctx, ours)
	if err != nil {
		return err
	}
	if _, err := b.write(ctx, theirs, messages); err != nil {
		return err
	}
	rates, err := compare.Turns(b.rounds,
		func() (float64, error) { return b.record(ctx, ours, events) },
		func() (float64, error) { return b.write(ctx, theirs, messages) },
	)
	if err != nil {
		return err
	}
	fmt.Printf("throughput of %d B events: %.2f times a raw Writer (%.2f to %.2f in %d rounds; %.0f events/s against %.0f)\n",
		len(messages[0][0].Value), compare.Median(rates.Ratios), slices.Min(rates.Ratios), slices.Max(rates.Ratios), b.rounds, compare.Median(rates.Ours), compare.Median(rates.Baseline))
	if b.rate == 0 {
		b.rate = compare.Median(rates.Ours) / 2
	}
	return nil
}

// prepare makes the events of each writer: threads of 100.
func (b *bench) prepare() [][]telemetry.Event {
	all := make([][]telemetry.Event, writers)
	now := time.Now()
	for w := range all {
		for i := range b.events / writers {
			all[w] = append(all[w], event(fmt.Sprintf("job-1/2/%d-%d", w, i/100), uint64(i%100), now)) //nolint:gosec // not negative
		}
	}
	return all
}

// record admits the events and waits until all are acknowledged.
func (b *bench) record(ctx context.Context, topic string, events [][]telemetry.Event) (float64, error) {
	p, err := b.producer(topic) //nolint:contextcheck // Close ends it
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for _, mine := range events {
		g.Go(func() error {
			for _, e := range mine {
				if err := p.Admit(gctx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	if err == nil {
		_, err = p.Flush(ctx)
	}
	rate := float64(b.events) / time.Since(begin).Seconds()
	if _, closing := p.Close(ctx); err == nil {
		err = closing
	}
	return rate, err
}

// sent reads what a topic holds, as the messages of each writer.
func (b *bench) sent(ctx context.Context, topic string) ([][]raw.Message, error) {
	bounds, err := b.log.Bounds(ctx, topic)
	if err != nil {
		return nil, err
	}
	all := make([][]raw.Message, writers)
	t := traces.Topic{Log: b.log, Name: topic}
	for p, bound := range bounds {
		err := t.Scan(ctx, p, bound.First, bound.End, func(r traces.Record) error {
			if r.Key == nil {
				return nil // the producer's own last word
			}
			m := raw.Message{Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)}
			for _, h := range r.Headers {
				m.Headers = append(m.Headers, raw.Header{Key: h.Key, Value: slices.Clone(h.Value)})
			}
			var writer int
			if _, err := fmt.Sscanf(string(r.Key), "job-1/2/%d-", &writer); err != nil {
				return err
			}
			all[writer] = append(all[writer], m)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// write sends the messages with a Writer: the same number and bytes in a batch,
// the same balancer, no compression, all replicas.
func (b *bench) write(ctx context.Context, topic string, messages [][]raw.Message) (float64, error) {
	transport := &raw.Transport{ClientID: "bench"}
	defer transport.CloseIdleConnections()
	w := &raw.Writer{
		Addr: raw.TCP(b.brokers...), Topic: topic, Balancer: raw.Murmur2Balancer{Consistent: true}, Transport: transport,
		BatchSize: batch, BatchBytes: 1_000_000, BatchTimeout: time.Millisecond, RequiredAcks: raw.RequireAll,
	}
	begin := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for _, mine := range messages {
		g.Go(func() error {
			for some := range slices.Chunk(mine, 2*batch) {
				if err := w.WriteMessages(gctx, some...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	rate := float64(b.events) / time.Since(begin).Seconds()
	if closing := w.Close(); err == nil {
		err = closing
	}
	return rate, err
}

// batch is how many messages a producer puts into one batch by default.
const batch = 4096
