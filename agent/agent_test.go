package agent_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/agent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func request() agent.Request {
	return agent.Request{
		Format: agent.Format, Thread: "job/00000000000000000001/3/2/nonce", Job: "job", Step: 1, Group: 3, Rollout: 2,
		Task: json.RawMessage(`{"numbers":[1,2],"target":3}`), Seed: agent.MaxSeed, DeadlineMS: 60_000,
		Policy: agent.PolicyAddress{URL: "http://127.0.0.1:1/v1/policies/abc", Digest: "abc"},
		Traces: agent.TracesAddress{Brokers: []string{"127.0.0.1:9092"}, Topic: "cohort-job", Partitions: 4},
	}
}

// client asks the agent at url; the connections it keeps are closed at the end.
func client(t *testing.T, config agent.Config) *agent.Client {
	t.Helper()
	c, err := agent.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// started runs an agent and returns a client of it.
func started(t *testing.T, handler http.Handler) *agent.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return client(t, agent.Config{URL: server.URL + "/rollouts"})
}

// respond is an agent that gives every attempt the same response.
func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}
