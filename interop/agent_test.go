package interop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/interop/python"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// The agent in docs/agents.md, as it is printed there.
func TestPythonAgentOfTheDocsKeepsTheContract(t *testing.T) {
	t.Parallel()
	interpreter := python.Interpreter(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	broker, log := eventLog(ctx, t, 2)
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 3}, 1)
	if err != nil {
		t.Fatal(err)
	}
	copy(p.Weights().Flat, []float32{0.1, -0.7, 1.3})
	host := serve.NewHost(1)
	digest := host.Put(p)
	policies := httptest.NewServer(host.Handler())
	t.Cleanup(policies.Close)

	client := startPythonAgent(t, interpreter)
	if !client.Healthy(ctx) {
		t.Error("the agent is not healthy")
	}
	request := agent.Request{
		Format: agent.Format, Job: "job", DeadlineMS: 20_000,
		Task:   json.RawMessage(`{"candidates": [[0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [1, 0, 0.7]], "best": 2}`),
		Policy: agent.PolicyAddress{URL: fmt.Sprintf("%s/v1/policies/%s", policies.URL, digest), Digest: string(digest)},
		Traces: agent.TracesAddress{Brokers: []string{broker.Addr()}, Topic: "events", Partitions: 2},
	}
	features := []float32{0.1, 0.2, 0.3, 0.3, 0.2, 0.1, 1, 0, 0.7}

	var attempts sync.WaitGroup
	for i := range 6 {
		attempts.Go(func() {
			r := request
			r.Thread, r.Seed = fmt.Sprintf("job/1/0/%d/nonce", i), uint64(i)
			answer, err := client.Attempt(ctx, r)
			if err != nil || answer.Events != 4 || len(answer.Acknowledged) != 1 {
				t.Errorf("answer %+v, error %v", answer, err)
				return
			}
			wantPythonThread(ctx, t, log, r, answer.Acknowledged[0], p, features)
		})
	}
	attempts.Wait()

	lost := request
	lost.Thread, lost.Policy.URL = "lost", "http://127.0.0.1:1/v1/policies/"+string(digest)
	if _, err := client.Attempt(ctx, lost); !errors.Is(err, agent.ErrWeather) {
		t.Errorf("lost policy: error %v, want ErrWeather", err)
	}
	bad := request
	bad.Thread, bad.Task = "bad", json.RawMessage(`{}`)
	_, err = client.Attempt(ctx, bad)
	if failed, ok := errors.AsType[*agent.Failed](err); !ok || failed.Class != "KeyError" {
		t.Errorf("bad task: error %v, want a failure of class KeyError", err)
	}
}

// startPythonAgent runs the agent of the docs until the end of the test.
func startPythonAgent(t *testing.T, interpreter string) *agent.Client {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "agents.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, source, found := strings.Cut(string(page), "\n```python\n")
	source, _, closed := strings.Cut(source, "\n```\n")
	if !found || !closed {
		t.Fatal("docs/agents.md has no Python")
	}
	script := filepath.Join(t.TempDir(), "agent.py")
	if err := os.WriteFile(script, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(context.WithoutCancel(t.Context()), interpreter, "-I", script, "0")
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // It says that the process was killed.
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the agent does not start: %v", err)
	}
	port := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	client, err := agent.NewClient(agent.Config{URL: "http://127.0.0.1:" + port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// wantPythonThread reads the thread back and compares its decision, bit for
// bit, with that of the policy.
func wantPythonThread(ctx context.Context, t *testing.T, log *kafka.Log, r agent.Request, last agent.Position, p policy.Policy, features []float32) {
	t.Helper()
	choice, err := policy.Decide(p, features, r.Seed, 0, false)
	if err != nil {
		t.Error(err)
		return
	}
	reward := telemetry.Reward{}
	if choice.Chosen == 2 {
		reward.Value = 1
	}
	want := []telemetry.Body{
		telemetry.Start{Task: "example"},
		telemetry.Decision{Policy: r.Policy.Digest, Width: 3, Features: features, Chosen: uint32(choice.Chosen), LogProb: choice.LogProb},
		reward,
		telemetry.End{Events: 4},
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Error(err)
		return
	}
	records, err := log.Fetch(ctx, r.Traces.Topic, last.Partition, 0, 1<<20)
	if err != nil {
		t.Error(err)
		return
	}
	var found []telemetry.Body
	offset := int64(-1)
	for _, record := range records {
		if string(record.Key) != r.Thread {
			continue
		}
		event, err := codec.Decode(record.Value)
		if err != nil || event.Thread != r.Thread || event.Index != uint64(len(found)) {
			t.Errorf("event %+v, error %v", event, err)
		}
		found, offset = append(found, event.Body), record.Offset
		if len(record.Headers) != 1 || string(record.Headers[0].Value) != agent.TraceParent(r.Thread) {
			t.Errorf("%s has the headers %q", r.Thread, record.Headers)
		}
	}
	if fmt.Sprintf("%#v", found) != fmt.Sprintf("%#v", want) || offset != last.Offset {
		t.Errorf("%s: %+v to offset %d, want %+v to %d", r.Thread, found, offset, want, last.Offset)
	}
}
