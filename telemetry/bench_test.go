package telemetry_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

// BenchmarkRollouts runs 64 agents at once that record 4 events each and wait
// for their acknowledgement, as a step of a job does.
func BenchmarkRollouts(b *testing.B) {
	p := startBroker(b, 4).newProducer(b, nil)
	var id atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			rollout(b, p, fmt.Sprintf("job/1/2/%d", id.Add(1)))
		}
	})
}

func rollout(b *testing.B, p *telemetry.Producer, id string) {
	b.Helper()
	ctx := b.Context()
	thread := telemetry.NewThread(p, id)
	if err := thread.Start(ctx, "task"); err != nil {
		b.Fatal(err)
	}
	features := make([]float32, 36*12)
	for i := range uint32(2) {
		if err := thread.Decide(ctx, "move", telemetry.Decision{Number: i, Policy: id, Width: 12, Features: features}); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := thread.End(ctx); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkEncode(b *testing.B) {
	codec := newCodec(b, telemetry.DefaultLimits(), telemetry.None)
	e := sampleEvents()[1]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Encode(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	codec := newCodec(b, telemetry.DefaultLimits(), telemetry.None)
	frame, err := codec.Encode(sampleEvents()[1])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Decode(frame); err != nil {
			b.Fatal(err)
		}
	}
}
