package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	raw "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/index"
)

// one reads some threads one by one over all partitions, as collectors without
// a pass do, and says how long 100 of them would take.
func (b *bench) one(ctx context.Context) error {
	begin := time.Now()
	for i := range b.single {
		id := threadID(i * b.threads / b.single)
		n := 0
		if err := b.scan(ctx, func(key []byte) {
			if string(key) == id {
				n++
			}
		}); err != nil {
			return err
		}
		if n != b.events/b.threads {
			return fmt.Errorf("thread %s has %d events", id, n)
		}
	}
	taken := time.Since(begin)
	hundred := taken * 100 / time.Duration(b.single)
	if b.once == 0 {
		begin := time.Now()
		if err := b.collect(ctx); err != nil {
			return err
		}
		b.once = time.Since(begin)
	}
	fmt.Printf("thread by thread: %d threads took %.1f s, so 100 take about %.0f s (extrapolated): one pass over all is %.0f times as fast\n",
		b.single, taken.Seconds(), hundred.Seconds(), hundred.Seconds()/b.once.Seconds())
	return nil
}

// scan reads all partitions, one after another, with kafka-go's Reader.
func (b *bench) scan(ctx context.Context, see func(key []byte)) error {
	bounds, err := b.log.Bounds(ctx, b.topic)
	if err != nil {
		return err
	}
	for p, bound := range bounds {
		r := raw.NewReader(raw.ReaderConfig{
			Brokers: []string{b.broker}, Topic: b.topic, Partition: p, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond,
		})
		for next := bound.First; next < bound.End; {
			m, err := r.ReadMessage(ctx)
			if err != nil {
				return errors.Join(err, r.Close())
			}
			see(m.Key)
			next = m.Offset + 1
		}
		if err := r.Close(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// index makes the index in a pass, and reads one thread of a hundred through it:
// some that ran together, and some from everywhere.
func (b *bench) index(ctx context.Context) error {
	bounds, err := b.log.Bounds(ctx, b.topic)
	if err != nil {
		return err
	}
	ranges := make([]collect.Range, len(bounds))
	for p, bound := range bounds {
		ranges[p] = collect.Range{Partition: p, From: bound.First, Until: bound.End}
	}
	builder := index.NewBuilder(b.topic, ranges)
	if _, err := b.collected(ctx, collect.Topic{Log: b.log, Name: b.topic, Ranges: ranges}, builder.Add); err != nil {
		return err
	}
	bucket := mem.New()
	_, size, err := builder.Index().Save(ctx, bucket)
	if err != nil {
		return err
	}
	fmt.Printf("index: %d bytes for %d events, %.2f %% of the range\n", size, b.events, 100*float64(size)/float64(b.bytes))
	for _, w := range []struct {
		name string
		step int
	}{{"that ran together", 1}, {"from everywhere", 100}} {
		before, begin := b.log.Fetched(), time.Now()
		x, read, err := index.Load(ctx, bucket, b.topic)
		if err == nil {
			err = x.Verify(ctx, b.log)
		}
		if err != nil {
			return err
		}
		wanted := make([]string, b.threads/100)
		for i := range wanted {
			wanted[i] = threadID(i * w.step)
		}
		found, err := b.collected(ctx, index.Source{Log: b.log, Index: x, Threads: wanted}, nil)
		if err != nil {
			return err
		}
		if found != len(wanted) {
			return fmt.Errorf("%d of %d threads are complete", found, len(wanted))
		}
		all := b.log.Fetched() - before + int64(read)
		fmt.Printf("index: 1 %% of the threads, %s: %.2f %% of the range's bytes read, index and verification included, in %.2f s\n",
			w.name, 100*float64(all)/float64(b.bytes), time.Since(begin).Seconds())
	}
	return nil
}
