package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

func threadID(i int) string {
	return fmt.Sprintf("job-1/g0/3.0/%05d/n%016x", i, uint64(i)*0x9e3779b97f4a7c15)
} //nolint:gosec // not negative

// fill writes the events as agents leave them: some threads at a time, each in a
// partition of its own, in batches of a few.
func (b *bench) fill(ctx context.Context) error {
	length := b.events / b.threads
	var bytes atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for p := range partitions {
		g.Go(func() error {
			var batch []traces.Record
			flush := func() error {
				if len(batch) == 0 {
					return nil
				}
				err := b.log.Write(ctx, b.topic, p, batch)
				batch = batch[:0]
				return err
			}
			for wave := p; wave < b.threads; wave += beside {
				for n := range length {
					for i := wave; i < min(wave+beside, b.threads); i += partitions {
						frame, err := b.codec.Encode(event(threadID(i), n, length))
						if err != nil {
							return err
						}
						bytes.Add(int64(len(frame)))
						batch = append(batch, traces.Record{Key: []byte(threadID(i)), Value: frame})
						if len(batch) == inBatch {
							if err := flush(); err != nil {
								return err
							}
						}
					}
				}
			}
			return flush()
		})
	}
	err := g.Wait()
	b.bytes = bytes.Load()
	fmt.Printf("topic: %d events of %d B in %d threads, %d partitions, %d threads at a time, batches of %d\n",
		b.events, b.bytes/int64(b.events), b.threads, partitions, beside, inBatch)
	return err
}

// event is the n-th event of a thread: a decision whose frame has about 300 bytes.
func event(thread string, n, length int) telemetry.Event {
	e := telemetry.Event{Thread: thread, Index: uint64(n), Time: time.Unix(1_700_000_000+int64(n), 0), Name: "move"} //nolint:gosec // not negative
	switch n {
	case 0:
		e.Body = telemetry.Start{Task: "task"}
	case length - 2:
		e.Name, e.Body = "score", telemetry.Reward{Value: 0.5}
	case length - 1:
		e.Body = telemetry.End{Events: uint64(length)} //nolint:gosec // likewise
	default:
		features := make([]float32, 36)
		for i := range features {
			features[i] = float32(i+n) / 7
		}
		e.Body = telemetry.Decision{Number: uint32(n - 1), Policy: policyDigest, Width: 12, Features: features, Chosen: 1, LogProb: -0.5} //nolint:gosec // likewise
	}
	return e
}

const policyDigest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
