package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/hlc"
)

// exampleProducer stands for a producer of the agent's own cluster.
func exampleProducer() (*telemetry.Producer, func()) {
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "events"))
	producer, err := telemetry.NewProducer(telemetry.Config{Brokers: cluster.ListenAddrs(), Topic: "events"})
	if err != nil {
		panic(err)
	}
	return producer, func() {
		if _, err := producer.Close(context.Background()); err != nil {
			panic(err)
		}
		cluster.Close()
	}
}

// An agent makes one producer, and a thread for each attempt at a task.
func Example() {
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "events"))
	defer cluster.Close()

	producer, err := telemetry.NewProducer(telemetry.Config{Brokers: cluster.ListenAddrs(), Topic: "events"})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	thread := telemetry.NewThread(producer, "job/1/0/0/5f3a")
	err = errors.Join(
		thread.Start(ctx, "task-17"),
		thread.Decide(ctx, "move", telemetry.Decision{
			Number: 0, Policy: "9f86d081", Width: 2, Features: []float32{1, 0, 0, 1}, Chosen: 1, LogProb: -0.69,
		}),
		thread.Reward(ctx, 1),
	)
	if err != nil {
		panic(err)
	}
	summary, err := thread.End(ctx)
	if err != nil {
		panic(err)
	}
	accounts, err := producer.Close(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(summary.Events, "events in", len(summary.Acknowledged), "partition, last offset", summary.Acknowledged[0].Offset)
	fmt.Println(accounts.Admitted, "admitted,", accounts.Acknowledged, "acknowledged")
	// Output:
	// 4 events in 1 partition, last offset 3
	// 4 admitted, 4 acknowledged
}

func ExampleThread_Fail() {
	producer, done := exampleProducer()
	defer done()
	ctx := context.Background()

	thread := telemetry.NewThread(producer, "t")
	if err := thread.Fail(ctx, "search", fmt.Errorf("search: %w", context.DeadlineExceeded)); err != nil {
		panic(err)
	}
	summary, err := thread.End(ctx)
	fmt.Println(summary.Events, err)
	// Output: 2 <nil>
}

func ExampleThread_Record() {
	producer, done := exampleProducer()
	defer done()
	ctx := context.Background()

	thread := telemetry.NewThread(producer, "t")
	err := thread.Record(ctx, "answer", telemetry.ModelCall{
		Model: "small", Prompt: []uint32{5, 8, 13}, Response: []uint32{21}, LogProbs: []float32{-0.1},
	}, telemetry.Attribute{Key: "temperature", Value: "0.7"})
	fmt.Println(err)
	// Output: <nil>
}

// What an agent remembers is sent as what changed, and read back verified.
func ExampleThread_State() {
	producer, done := exampleProducer()
	defer done()
	ctx := context.Background()

	type memory struct {
		Plan string   `json:"plan"`
		Seen []string `json:"seen"`
	}
	thread := telemetry.NewThread(producer, "t")
	m := memory{Plan: "visit each page once, then write the summary"}
	for _, page := range []string{"index", "news", "about"} {
		m.Seen = append(m.Seen, page)
		if err := thread.State(ctx, "memory", m); err != nil {
			panic(err)
		}
	}
	counts := producer.States()
	fmt.Println(counts.First, "whole,", counts.Patches, "as differences")
	// Output: 1 whole, 2 as differences
}

func ExampleProducer_Observe() {
	producer, done := exampleProducer()
	defer done()

	// An event of another producer, on which this agent acts.
	event := telemetry.Event{Clock: hlc.Stamp(time.Now().UnixMilli()) << 16}
	fmt.Println(producer.Observe(event), producer.ClockAnomalies())
	// Output: <nil> {0 0 0 0}
}

func ExampleProducer_Flush() {
	producer, done := exampleProducer()
	defer done()
	ctx := context.Background()

	for i := range 3 {
		e := telemetry.Event{Thread: "t", Index: uint64(i), Time: time.Now(), Body: telemetry.Reward{Value: 1}}
		if err := producer.Admit(ctx, e); err != nil {
			panic(err)
		}
	}
	accounts, err := producer.Flush(ctx)
	fmt.Println(accounts.Acknowledged, accounts.Queued, err)
	// Output: 3 0 <nil>
}

func ExampleCodec() {
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.Zstd)
	if err != nil {
		panic(err)
	}
	frame, err := codec.Encode(telemetry.Event{Time: time.Unix(0, 0), Body: telemetry.Marker{Nonce: "5f3a", Job: "countdown"}})
	if err != nil {
		panic(err)
	}
	event, err := codec.Decode(frame)
	fmt.Printf("%d bytes %+v %v\n", len(frame), event.Body, err)
	_, err = codec.Decode([]byte("{}"))
	fmt.Println(err)
	// Output:
	// 40 bytes {Nonce:5f3a Job:countdown} <nil>
	// not a telemetry frame
}

func ExampleTraceFromHTTP() {
	header := map[string][]string{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}
	ctx := telemetry.WithTrace(context.Background(), telemetry.TraceFromHTTP(header))
	fmt.Println(telemetry.TraceFrom(ctx).Parent)
	// Output: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
}

func ExampleWatermarks() {
	var marks telemetry.Watermarks
	for offset, sequence := range []uint64{0, 1, 1, 4} {
		fmt.Print(marks.Observe("5f3a", 0, sequence, int64(offset)), " ")
	}
	fmt.Println(marks.Streams()[0].Gaps)
	// Output: true true false true [{2 4 3}]
}

func ExampleConfig_MemoryLimit() {
	config := telemetry.Config{
		Brokers: []string{"127.0.0.1:9092"}, Topic: "events", QueueBytes: 32 << 20,
		DeadLetters: &telemetry.DeadLetters{Spill: "/var/lib/agent/spill"},
	}
	const mine = 200 << 20 // what the agent itself needs
	limit := config.MemoryLimit() + mine
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	fmt.Println(limit>>20, "MiB")
	// Output: 280 MiB
}
