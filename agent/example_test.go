package agent_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/cohort-rl/cohort/agent"
)

// An agent is a function from request to answer, behind a handler; a worker
// asks it through a client.
func ExampleHandler() {
	server := httptest.NewServer(agent.Handler(func(_ context.Context, r agent.Request) (agent.Answer, error) {
		// Here an agent plays r.Task, records its events under r.Thread with
		// package telemetry, and flushes them.
		fmt.Printf("attempt %s with seed %d\n", r.Task, r.Seed)
		return agent.Answer{Events: 4}, nil
	}))
	defer server.Close()

	client, err := agent.NewClient(agent.Config{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	answer, err := client.Attempt(context.Background(), agent.Request{
		Format: agent.Format, Thread: "job/1/0/0/nonce", Job: "job", Step: 1,
		Task: []byte(`{"numbers":[1,2],"target":3}`), Seed: 7, DeadlineMS: 30_000,
		Policy: agent.PolicyAddress{URL: "http://127.0.0.1:8080/v1/policies/abc", Digest: "abc"},
		Traces: agent.TracesAddress{Brokers: []string{"127.0.0.1:9092"}, Topic: "events", Partitions: 4},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("events:", answer.Events)
	// Output:
	// attempt {"numbers":[1,2],"target":3} with seed 7
	// events: 4
}
