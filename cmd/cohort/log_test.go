package main

import (
	"context"
	"errors"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/telemetry"
)

// writeLog is the command log: it records a thread by a clock that goes on by a
// millisecond whenever it is looked at.
func writeLog(ts *testscript.TestScript, _ bool, _ []string) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	ts.Check(err)
	ts.Defer(cluster.Close)
	now := noon{}.Now()
	memory := &telemetry.Memory{Now: func() time.Time { now = now.Add(time.Millisecond); return now }}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err = telemetry.Run(ctx, memory, "countdown-1/1/2/3/9f2c51d07ab84e661b08c3f6d2aa4710", "2 3 = 6", recordEach)
	if err == nil {
		ts.Fatalf("the thread has no error")
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	ts.Check(err)
	events := append(memory.Events(), telemetry.Event{Time: now, Body: telemetry.Marker{Nonce: "9f2c51d07ab84e66", Job: "countdown-1"}})
	writer := &kafka.Writer{Addr: kafka.TCP(cluster.ListenAddrs()...), Topic: "events", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	var messages []kafka.Message
	for _, e := range events {
		frame, err := codec.Encode(e)
		ts.Check(err)
		messages = append(messages, kafka.Message{Key: []byte(e.Thread), Value: frame})
	}
	messages = append(messages, kafka.Message{Value: []byte("no frame")})
	ts.Check(errors.Join(writer.WriteMessages(ctx, messages...), writer.Close()))
	ts.Setenv("KAFKA", cluster.ListenAddrs()[0])
}

// recordEach records an event of each kind.
func recordEach(ctx context.Context) error {
	thread := telemetry.FromContext(ctx)
	_, calls := telemetry.Model(ctx, "small", []uint32{5, 8, 13}, func(context.Context, []uint32) (telemetry.Completion, error) {
		return telemetry.Completion{Response: []uint32{21}, LogProbs: []float32{-0.25}}, nil
	})
	_, called := telemetry.Tool(ctx, "add", []int{2, 3}, func(context.Context, []int) (string, error) { return "5\x1b[31m", nil })
	return errors.Join(
		thread.Decide(ctx, "move", telemetry.Decision{Policy: "9f86d081884c7d65", Width: 2, Features: []float32{1, 0, 0, 1}, Chosen: 1, LogProb: -0.6931472}),
		calls, called, thread.Reward(ctx, 0.5),
		telemetry.Node(ctx, "plan", func(context.Context) error { return nil }),
		thread.Truncate(),
		telemetry.Node(ctx, "check", func(context.Context) error { return errors.New("log in with password=hunter2 failed") }),
	)
}
