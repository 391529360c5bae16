package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	raw "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/bench/compare"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
)

// audit fills a topic, and holds its audit against fetches that read every
// record and look at none.
func (b *bench) audit(ctx context.Context) error {
	topic, err := b.topics.Create(ctx, "audited")
	if err != nil {
		return err
	}
	o := *b
	o.events = b.audited
	if _, err := o.record(ctx, topic, o.prepare()); err != nil {
		return err
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return err
	}
	var mine, base, ratios []float64
	for round := range b.rounds + 1 {
		var ours, bare time.Duration
		turns := []func() error{
			func() error {
				begin := time.Now()
				r, err := audit.Audit(ctx, traces.Topic{Log: b.log, Codec: codec, Name: topic}, telemetry.DefaultLimits())
				ours = time.Since(begin)
				if err == nil && !r.Whole() {
					err = fmt.Errorf("the topic lacks something: %+v", r.Totals)
				}
				return err
			},
			func() (err error) { bare, err = b.fetch(ctx, topic); return err },
		}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return err
			}
		}
		if round > 0 { // the first one warms up
			mine, base = append(mine, ours.Seconds()), append(base, bare.Seconds())
			ratios = append(ratios, bare.Seconds()/ours.Seconds())
		}
	}
	n := float64(b.audited)
	fmt.Printf("audit of %d events: %.2f times bare fetches (%.2f to %.2f in %d rounds; %.0f events/s against %.0f)\n",
		b.audited, compare.Median(ratios), slices.Min(ratios), slices.Max(ratios), b.rounds, n/compare.Median(mine), n/compare.Median(base))
	return nil
}

// fetchBytes is what one fetch asks for, as the audit's do.
const fetchBytes = 4 << 20

// fetch reads every record of a topic, all partitions at once, and copies none.
func (b *bench) fetch(ctx context.Context, topic string) (time.Duration, error) {
	transport := &raw.Transport{ClientID: "bench"}
	defer transport.CloseIdleConnections()
	client := &raw.Client{Addr: raw.TCP(b.brokers...), Transport: transport}
	bounds, err := b.log.Bounds(ctx, topic)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for p, bound := range bounds {
		g.Go(func() error {
			for next := bound.First; next < bound.End; {
				answer, err := client.Fetch(gctx, &raw.FetchRequest{Topic: topic, Partition: p, Offset: next, MinBytes: 1, MaxBytes: fetchBytes, MaxWait: 100 * time.Millisecond})
				if err != nil {
					return err
				}
				if answer.Error != nil {
					return answer.Error
				}
				if next, err = skim(answer.Records, next); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	return time.Since(begin), err
}

// skim reads the records of an answer and returns the offset after the last.
func skim(records raw.RecordReader, next int64) (int64, error) {
	for {
		r, err := records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return next, nil
		}
		if err != nil {
			return next, err
		}
		next = max(next, r.Offset+1)
		for _, part := range []raw.Bytes{r.Key, r.Value} {
			if part != nil {
				_ = part.Close()
			}
		}
	}
}
