package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/telemetry"
)

// writeMixed is the command mixed: it runs a Kafka whose topic "mixed" has, in
// one partition, what a Collector and agents of Cohort leave, and what is none of
// it.
func writeMixed(ts *testscript.TestScript, _ bool, _ []string) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "mixed"))
	ts.Check(err)
	ts.Defer(cluster.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	now := noon{}.Now()
	memory := &telemetry.Memory{Now: func() time.Time { now = now.Add(time.Millisecond); return now }}
	_, err = telemetry.Run(ctx, memory, "countdown-1/1/2/3/9f2c51d07ab84e661b08c3f6d2aa4710", "2 3 = 6", func(ctx context.Context) error {
		return telemetry.FromContext(ctx).Reward(ctx, 0.5)
	})
	ts.Check(err)
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	ts.Check(err)
	read := func(name string) []byte {
		body, err := os.ReadFile(filepath.Join(ts.Getenv("EXPORTS"), name))
		ts.Check(err)
		return body
	}
	proto := read("openinference-openai/t01-2turn.01.pb")
	values := [][]byte{proto, []byte("no frame"), read("agentlightning-0.3.0/t12-agentexception.01.json"), proto[:len(proto)-9], read("openinference-openai/t01-2turn.01.json"), nil}
	for i, e := range memory.Events() {
		frame, err := codec.Encode(e)
		ts.Check(err)
		values = append(values, frame)
		if i == 0 {
			values = append(values, read("otel-openai-v2-default/logs.01.logs.pb"))
		}
	}
	writer := &kafka.Writer{Addr: kafka.TCP(cluster.ListenAddrs()...), Topic: "mixed", RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	messages := make([]kafka.Message, len(values))
	for i, v := range values {
		messages[i].Value = v
	}
	ts.Check(errors.Join(writer.WriteMessages(ctx, messages...), writer.Close()))
	ts.Setenv("KAFKA", cluster.ListenAddrs()[0])
}
