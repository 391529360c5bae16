package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/sdk"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/redact"
	"github.com/cohort-rl/cohort/traces/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// system is what an agent needs: a policy that is served, and Kafka.
type system struct {
	log     *kafka.Log
	request agent.Request // all but thread and seed
}

func start(t *testing.T, features int) *system {
	t.Helper()
	broker, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	s := &system{}
	if s.log, err = kafka.Open(kafka.Config{Brokers: []string{broker.Addr()}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.log.Close)
	if err := s.log.Create(within(t), "events", 1, 0); err != nil {
		t.Fatal(err)
	}
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: features}, 1)
	if err != nil {
		t.Fatal(err)
	}
	host := serve.NewHost(1)
	digest := host.Put(p)
	policies := httptest.NewServer(host.Handler())
	t.Cleanup(policies.Close)
	s.request = agent.Request{
		Format: agent.Format, Job: "job", DeadlineMS: 30_000, Task: []byte(`{"best": 1}`),
		Policy: agent.PolicyAddress{URL: policies.URL + "/v1/policies/" + string(digest), Digest: string(digest)},
		Traces: agent.TracesAddress{Brokers: []string{broker.Addr()}, Topic: "events", Partitions: 1},
	}
	return s
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// serveAgent runs an agent until the end of the test.
func serveAgent(t *testing.T, o sdk.Options, play sdk.Play) *agent.Client {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	address, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		done <- sdk.Serve(ctx, sdk.Config{Options: o, Listen: "127.0.0.1:0", Ready: func(a net.Addr) { address <- a }}, play)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	client, err := agent.NewClient(agent.Config{URL: fmt.Sprintf("http://%s/rollouts", <-address)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// thread reads the events of a thread, in short.
func (s *system) thread(t *testing.T, id string) []string {
	t.Helper()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	bounds, err := s.log.Bounds(within(t), "events")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for offset := int64(0); offset < bounds[0].End; {
		records, err := s.log.Fetch(within(t), "events", 0, offset, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			offset = r.Offset + 1
			event, err := codec.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			if event.Thread == id {
				found = append(found, event.Kind()+" "+event.Summary())
			}
		}
	}
	return found
}

// choose is an agent: one decision, reward 1 for the best.
func choose(ctx context.Context, r *sdk.Rollout) error {
	var task struct{ Best int }
	if err := r.Task(&task); err != nil {
		return err
	}
	chosen, err := r.Choose(ctx, "pick", 2, []float32{1, 0, 0, 1})
	if err != nil {
		return err
	}
	reward := 0.0
	if chosen == task.Best {
		reward = 1
	}
	return r.Reward(ctx, reward)
}

func TestAgentKeepsTheContract(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	var rewards []float64
	client := serveAgent(t, sdk.Options{Answered: func(r *sdk.Rollout, _ agent.Answer) error {
		rewards = append(rewards, r.Rewards()...)
		return nil
	}}, choose)
	r := s.request
	r.Thread, r.Seed = "a", 3
	answer, err := client.Attempt(within(t), r)
	if err != nil || answer.Events != 4 || !reflect.DeepEqual(answer.Acknowledged, []agent.Position{{Partition: 0, Offset: 3}}) {
		t.Fatalf("%+v, %v", answer, err)
	}
	got := strings.Join(s.thread(t, "a"), "\n")
	want := fmt.Sprintf("start \"{\"best\":1}\"\ndecision pick #0 took %d of 2, log-prob -0.6931, policy %.8s\nreward %g\nend after 4 events",
		int(rewards[0]), r.Policy.Digest, rewards[0])
	if got != want {
		t.Errorf("the log has\n%s, want\n%s", got, want)
	}
}

// T8: a failure, a panic and weather are answered as what they are, and the
// thread has an end in each case.
func TestWhatAnAttemptEndsInIsRecordedAndAnswered(t *testing.T) {
	t.Parallel()
	s := start(t, 2)
	client := serveAgent(t, sdk.Options{Redact: redact.Redactor{Keys: append(redact.DefaultKeys(), "pin")}}, func(ctx context.Context, r *sdk.Rollout) error {
		switch r.Request.Thread {
		case "failure":
			return telemetry.Node(ctx, "plan", func(context.Context) error {
				return fmt.Errorf("log in with pin=hunter2: %w", &net.AddrError{Err: "no such host", Addr: "x"})
			})
		case "own class":
			return &agent.Failed{Failure: agent.Failure{Class: "tool", Message: "no such tool"}}
		case "panic":
			panic("token=abc")
		case "timed out":
			<-ctx.Done()
			return ctx.Err()
		}
		_, err := r.Choose(ctx, "pick", 2, []float32{1, 0})
		return err
	})
	for id, test := range map[string]struct{ class, message, recorded string }{
		"failure":   {"*net.AddrError", "plan: log in with pin=[redacted]: address x: no such host", "error plan *net.AddrError:"},
		"own class": {"tool", "no such tool", "error tool:"},
		"panic":     {"panic", "token=[redacted]", "error panic panic:"},
		"timed out": {agent.ClassTimedOut, "context deadline exceeded", "error context.deadlineExceededError:"},
		"weather":   {"", "", "error *"},
	} {
		r := s.request
		r.Thread = id
		if id == "timed out" {
			r.DeadlineMS = 50
		}
		if id == "weather" {
			r.Policy.URL = "http://127.0.0.1:1/v1/policies/" + r.Policy.Digest
		}
		_, err := client.Attempt(within(t), r)
		failed, ok := errors.AsType[*agent.Failed](err)
		if ok != (test.class != "") || (ok && (failed.Class != test.class || failed.Message != test.message)) || (!ok && !errors.Is(err, agent.ErrWeather)) {
			t.Errorf("%s: error %v", id, err)
		}
		events := s.thread(t, id)
		if len(events) != 3 || !strings.HasPrefix(events[1], test.recorded) || events[2] != "end after 3 events" || strings.Contains(events[1], "hunter2") {
			t.Errorf("%s: the log has %q", id, events)
		}
	}
}

func TestMisuseOfARolloutIsAnError(t *testing.T) {
	t.Parallel()
	if err := sdk.Serve(t.Context(), sdk.Config{Listen: "127.0.0.1:0"}, nil); err == nil {
		t.Error("an agent that plays nothing is served")
	}
	r := &sdk.Rollout{Request: agent.Request{Task: []byte(`[1]`)}}
	if err := r.Task(&struct{ Best int }{}); !errors.Is(err, sdk.ErrTask) {
		t.Errorf("task: %v", err)
	}
	if _, err := r.Choose(t.Context(), "pick", 2, []float32{1, 0}); !errors.Is(err, telemetry.ErrNoThread) {
		t.Errorf("choose without a thread: %v", err)
	}
	if err := r.Reward(t.Context(), 1); !errors.Is(err, telemetry.ErrNoThread) || len(r.Rewards()) != 0 {
		t.Errorf("reward without a thread: %v, %v", err, r.Rewards())
	}
	ctx, err := telemetry.Open(t.Context(), &telemetry.Memory{}, "t", "x")
	if err != nil {
		t.Fatal(err)
	}
	for width, features := range map[int][]float32{0: {1}, 2: {1, 2, 3}, 1: {}} {
		if _, err := r.Choose(ctx, "pick", width, features); !errors.Is(err, telemetry.ErrInvalidEvent) {
			t.Errorf("%d features as rows of %d: %v", len(features), width, err)
		}
	}
}
