package interop_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// maxReader bounds the reader that docs/formats.md promises, in lines.
const maxReader = 59

// The reader of docs/formats.md reads what a producer left in Kafka: events of
// each kind that a thread has, and the final record.
func TestPythonReadsTheMessagesOfAProducer(t *testing.T) {
	t.Parallel()
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	path := filepath.Join("..", "examples", "python-agent", "reader.py")
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > maxReader {
		t.Errorf("the reader has %d lines, docs/formats.md promises fewer than %d", n, maxReader+1)
	}
	var input strings.Builder
	for _, value := range produced(t) {
		input.WriteString(base64.StdEncoding.EncodeToString(value) + "\n")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, interpreter, "-I", path)
	command.Stdin, command.Stderr = strings.NewReader(input.String()), os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []any
	for line := range strings.Lines(string(out)) {
		var event map[string]any
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		got = append(got, event)
	}
	var want []any
	if err := json.Unmarshal([]byte(wantRead), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Python reads\n%s, want\n%s", out, wantRead)
	}

	flipped := produced(t)[0]
	flipped[len(flipped)-1] ^= 1
	command = exec.CommandContext(ctx, interpreter, "-I", path)
	command.Stdin = strings.NewReader(base64.StdEncoding.EncodeToString(flipped))
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "corrupt") {
		t.Errorf("a flipped bit: %v, %s", err, out)
	}
}

// wantRead is what a Python program gets.
const wantRead = `[
{"thread":"t","time_unix_nano":1767355200000000000,"name":"start","attributes":[{"key":"lang","value":"gö"},{"key":"n","value":"1"}],"start":{"task":"2 3 = 6"}},
{"thread":"t","index":1,"time_unix_nano":1767355200000000000,"name":"move","decision":{"number":300,"policy":"9f86","width":2,"features":[1,0,0.5,-2],"chosen":1,"log_prob":-0.75}},
{"thread":"t","index":2,"time_unix_nano":1767355200000000000,"name":"small","model_call":{"model":"small","policy":"9f86","prompt":[5,800,13],"response":[21],"log_probs":[-0.25]}},
{"thread":"t","index":3,"time_unix_nano":1767355200000000000,"name":"add","tool_call":{"tool":"add","input":"WzIsM10=","output":"NQ=="}},
{"thread":"t","index":4,"time_unix_nano":1767355200000000000,"name":"reward","reward":{"value":0.1}},
{"thread":"t","index":5,"time_unix_nano":1767355200000000000,"name":"plan","error":{"class":"*errors.errorString","message":"read: no page","causes":[{"class":"*errors.errorString","message":"no page"}],"node":"plan","attempt":1}},
{"thread":"t","index":6,"time_unix_nano":1767355200000000000,"name":"end","end":{"events":7,"truncated":1}},
{"time_unix_nano":1767355200000000000,"final":{"sequences":7}}
]`

// produced returns what a producer leaves of a thread, and its final record.
func produced(t *testing.T) (values [][]byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	broker, log := eventLog(ctx, t, 1)
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	p, err := telemetry.NewProducer(telemetry.Config{Brokers: []string{broker.Addr()}, Topic: "events", Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = telemetry.Run(ctx, p, "t", "2 3 = 6", recordEach, telemetry.Attribute{Key: "lang", Value: "gö"}, telemetry.Attribute{Key: "n", Value: "1"})
	if err == nil {
		t.Fatal("the thread has no error")
	}
	if _, err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
	records, err := log.Fetch(ctx, "events", 0, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		values = append(values, r.Value)
	}
	return values
}

// recordEach records an event of each kind and fails.
func recordEach(ctx context.Context) error {
	thread := telemetry.FromContext(ctx)
	err := thread.Decide(ctx, "move", telemetry.Decision{Number: 300, Policy: "9f86", Width: 2, Features: []float32{1, 0, 0.5, -2}, Chosen: 1, LogProb: -0.75})
	_, called := telemetry.Model(ctx, "small", []uint32{5, 800, 13}, func(context.Context, []uint32) (telemetry.Completion, error) {
		return telemetry.Completion{Policy: "9f86", Response: []uint32{21}, LogProbs: []float32{-0.25}}, nil
	})
	_, added := telemetry.Tool(ctx, "add", []int{2, 3}, func(context.Context, []int) (int, error) { return 5, nil })
	return errors.Join(err, called, added, thread.Reward(ctx, 0.1), thread.Truncate(), telemetry.Node(ctx, "plan", func(context.Context) error {
		return fmt.Errorf("read: %w", errors.New("no page"))
	}))
}

// eventLog starts a broker with a topic named events.
func eventLog(ctx context.Context, t *testing.T, partitions int) (*embedded.Kafka, *kafka.Log) {
	t.Helper()
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	log, err := kafka.Open(kafka.Config{Brokers: []string{broker.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	if err := log.Create(ctx, "events", partitions, 0); err != nil {
		t.Fatal(err)
	}
	return broker, log
}
