package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"time"

	raw "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/bench/compare"
	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

// pass measures one pass over the topic, in turns with what does less.
func (b *bench) pass(ctx context.Context) error {
	ways := []struct {
		name string
		read func(context.Context) error
	}{
		{"collected by Cohort", b.collect},
		{"a kafka-go loop that unmarshals envelopes", func(ctx context.Context) error { return b.loop(ctx, unmarshal) }},
		{"a bare kafka-go loop", func(ctx context.Context) error { return b.loop(ctx, func([]byte) error { return nil }) }},
		{"a bare franz-go loop", b.franz},
	}
	times, cpus := make([][]float64, len(ways)), make([][]float64, len(ways))
	for round := range b.rounds + 1 {
		for i := range ways {
			at := (i + round) % len(ways)
			begin, used := time.Now(), processor()
			if err := ways[at].read(ctx); err != nil {
				return fmt.Errorf("%s: %w", ways[at].name, err)
			}
			if round > 0 { // a cold broker is slow
				times[at] = append(times[at], time.Since(begin).Seconds())
				cpus[at] = append(cpus[at], processor()-used)
			}
		}
	}
	b.once = time.Duration(compare.Median(times[0]) * float64(time.Second))
	fmt.Printf("one pass: every event assembled, de-duplicated and judged in %.2f s, %.0f events/s, %.0f MB/s\n",
		compare.Median(times[0]), float64(b.events)/compare.Median(times[0]), float64(b.bytes)/1e6/compare.Median(times[0]))
	for i := 1; i < len(ways); i++ {
		ratios := make([]float64, b.rounds)
		for r := range ratios {
			ratios[r] = times[i][r] / times[0][r]
		}
		fmt.Printf("one pass: %.2f times as fast as %s (%.2f to %.2f in %d rounds; that takes %.2f s); %.2f s of processor time against %.2f\n",
			compare.Median(ratios), ways[i].name, slices.Min(ratios), slices.Max(ratios), b.rounds, compare.Median(times[i]), compare.Median(cpus[0]), compare.Median(cpus[i]))
	}
	return nil
}

// processor is the processor time of this process in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// collect is what is measured.
func (b *bench) collect(ctx context.Context) error {
	found, err := b.collected(ctx, collect.Topic{Log: b.log, Name: b.topic}, nil)
	if err == nil && found != b.threads {
		err = fmt.Errorf("%d of %d threads are complete", found, b.threads)
	}
	return err
}

// collected counts the complete threads of a source.
func (b *bench) collected(ctx context.Context, source threads.Source, each func(*collect.Found) error) (complete int, err error) {
	o := collect.DefaultOptions(threads.DefaultRules(time.Now()))
	o.Memory, o.Messages = b.memory<<20, each != nil
	c, err := collect.New(o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Read(ctx, source); err != nil {
		return 0, err
	}
	for f, err := range c.Threads(ctx) {
		if err != nil {
			return 0, err
		}
		if f.State == threads.Complete {
			complete++
		}
		if each != nil {
			if err := each(&f); err != nil {
				return 0, err
			}
		}
	}
	if r := c.Report(); !r.Whole() {
		return 0, fmt.Errorf("not read: %v", r.Unread)
	}
	return complete, nil
}

// frameHeader is what stands before the event in a frame.
const frameHeader = 20

func unmarshal(frame []byte) error {
	var e telemetrypb.Event
	return proto.Unmarshal(frame[frameHeader:], &e)
}

// loop fetches all partitions side by side with kafka-go.
func (b *bench) loop(ctx context.Context, use func([]byte) error) error {
	bounds, err := b.log.Bounds(ctx, b.topic)
	if err != nil {
		return err
	}
	transport := &raw.Transport{ClientID: "bench"}
	defer transport.CloseIdleConnections()
	client := &raw.Client{Addr: raw.TCP(b.broker), Transport: transport}
	g, ctx := errgroup.WithContext(ctx)
	for p, bound := range bounds {
		g.Go(func() error {
			var value []byte
			for next := bound.First; next < bound.End; {
				resp, err := client.Fetch(ctx, &raw.FetchRequest{Topic: b.topic, Partition: p, Offset: next, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 100 * time.Millisecond})
				if err != nil {
					return err
				}
				for {
					r, err := resp.Records.ReadRecord()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						return err
					}
					if r.Offset >= next {
						n := r.Value.Len()
						if cap(value) < n {
							value = make([]byte, n)
						}
						if _, err := io.ReadFull(r.Value, value[:n]); err != nil {
							return err
						}
						if err := use(value[:n]); err != nil {
							return err
						}
						next = r.Offset + 1
					}
					if r.Key != nil {
						_ = r.Key.Close()
					}
					_ = r.Value.Close()
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// franz fetches everything with franz-go's consumer.
func (b *bench) franz(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.broker), kgo.ConsumeTopics(b.topic), kgo.FetchMaxPartitionBytes(1<<20))
	if err != nil {
		return err
	}
	defer client.Close()
	for n := 0; n < b.events; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		n += fetches.NumRecords()
	}
	return nil
}
