package countdown_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 3

// system is an agent with what it needs: a policy that is served, and Kafka.
type system struct {
	t      *testing.T
	policy policy.Policy
	log    *kafka.Log
	path   string // of the agent's own log
	client *agent.Client
	r      agent.Request // all but thread, task and seed
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// run calls serve with a context that ends at the end of the test, and waits
// for it.
func run(t *testing.T, serve func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// startAgent runs the agent and returns a client of it.
func startAgent(t *testing.T, config countdown.Config) *agent.Client {
	t.Helper()
	addresses := make(chan net.Addr, 1)
	config.Listen = "127.0.0.1:0"
	config.Ready = func(address net.Addr) { addresses <- address }
	run(t, func(ctx context.Context) error { return countdown.Serve(ctx, config) })
	c, err := agent.NewClient(agent.Config{URL: fmt.Sprintf("http://%s/rollouts", <-addresses)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func startSystem(t *testing.T) *system {
	t.Helper()
	broker, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	return startSystemOn(t, broker.Addr(), telemetry.Security{})
}

// startSystemOn is startSystem on a Kafka that is there.
func startSystemOn(t *testing.T, broker string, security telemetry.Security) *system {
	t.Helper()
	s := &system{t: t, path: filepath.Join(t.TempDir(), "agent.jsonl")}
	mechanism, err := security.Mechanism()
	if err != nil {
		t.Fatal(err)
	}
	secured, err := security.TLSConfig()
	if err != nil {
		t.Fatal(err)
	}
	if s.log, err = kafka.Open(kafka.Config{Brokers: []string{broker}, SASL: mechanism, TLS: secured}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.log.Close)
	if err := s.log.Create(within(t), "events", partitions, 0); err != nil {
		t.Fatal(err)
	}
	if s.policy, err = policy.New(policy.Shape{Kind: policy.Linear, Features: countdown.Width}, 1); err != nil {
		t.Fatal(err)
	}
	random := numerics.NewStream(7)
	for i := range s.policy.Weights().Flat {
		s.policy.Weights().Flat[i] = float32(2 * random.Float64())
	}
	host := serve.NewHost(1)
	digest := host.Put(s.policy)
	listener := listen(t)
	run(t, func(ctx context.Context) error { return host.Serve(ctx, listener) })
	s.client = startAgent(t, countdown.Config{Log: s.path, Kafka: security})
	s.r = agent.Request{
		Format: agent.Format, Job: "job", DeadlineMS: 30_000,
		Policy: agent.PolicyAddress{URL: fmt.Sprintf("http://%s/v1/policies/%s", listener.Addr(), digest), Digest: string(digest)},
		Traces: agent.TracesAddress{Brokers: []string{broker}, Topic: "events", Partitions: partitions},
	}
	return s
}

// request asks for an attempt at a held-out task.
func (s *system) request(thread string, task countdown.Task, seed uint64) agent.Request {
	s.t.Helper()
	r := s.r
	r.Thread, r.Seed = thread, seed
	var err error
	if r.Task, err = json.Marshal(task); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// stored is an event with where it lies and the headers of its message.
type stored struct {
	telemetry.Event
	record traces.Record
	origin telemetry.Origin
}

// threads reads the whole topic.
func (s *system) threads() map[string][]stored {
	s.t.Helper()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		s.t.Fatal(err)
	}
	bounds, err := s.log.Bounds(within(s.t), "events")
	if err != nil {
		s.t.Fatal(err)
	}
	threads := map[string][]stored{}
	for partition, b := range bounds {
		for offset := b.First; offset < b.End; {
			records, err := s.log.Fetch(within(s.t), "events", partition, offset, 1<<20)
			if err != nil {
				s.t.Fatal(err)
			}
			for _, record := range records {
				offset = record.Offset + 1
				event, err := codec.Decode(record.Value)
				if err != nil {
					s.t.Fatal(err)
				}
				var headers []telemetry.Header
				for _, h := range record.Headers {
					headers = append(headers, telemetry.Header(h))
				}
				origin, err := telemetry.ParseHeaders(headers, telemetry.DefaultLimits())
				if err != nil || event.Thread != string(record.Key) {
					s.t.Fatalf("event of %q under key %q, error %v", event.Thread, record.Key, err)
				}
				threads[event.Thread] = append(threads[event.Thread], stored{event, record, origin})
			}
		}
	}
	return threads
}
