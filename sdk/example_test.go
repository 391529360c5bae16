package sdk_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/sdk"
	"github.com/cohort-rl/cohort/telemetry"
)

// A whole agent is a Play; Serve runs it as a server. Here a worker's request
// is made by hand.
func ExampleAgent_Attempt() {
	play := func(ctx context.Context, r *sdk.Rollout) error {
		var task struct{ A, B int }
		if err := r.Task(&task); err != nil {
			return err
		}
		sum, err := telemetry.Tool(ctx, "add", task, func(context.Context, struct{ A, B int }) (int, error) { return task.A + task.B, nil })
		if err != nil {
			return err
		}
		chosen, err := r.Choose(ctx, "answer", 1, []float32{float32(sum)})
		if err != nil {
			return err
		}
		return r.Reward(ctx, float64(1-chosen))
	}

	a, err := sdk.New(sdk.Options{})
	if err != nil {
		panic(err)
	}
	request, stop := exampleRequest()
	defer stop()
	answer, err := a.Attempt(play)(context.Background(), request)
	fmt.Println(answer.Events, "events to offset", answer.Acknowledged[0].Offset, err)
	fmt.Println(a.Close(context.Background()))
	// Output:
	// 5 events to offset 4 <nil>
	// <nil>
}

// exampleRequest stands for a worker, with its policy and its Kafka.
func exampleRequest() (agent.Request, func()) {
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 1}, 1)
	if err != nil {
		panic(err)
	}
	host := serve.NewHost(1)
	digest := string(host.Put(p))
	policies := httptest.NewServer(host.Handler())
	return agent.Request{
		Format: agent.Format, Thread: "job/1/0/0/5f3a", Job: "job", Step: 1, Task: []byte(`{"A": 2, "B": 3}`), Seed: 7, DeadlineMS: 30_000,
		Policy: agent.PolicyAddress{URL: policies.URL + "/v1/policies/" + digest, Digest: digest},
		Traces: agent.TracesAddress{Brokers: cluster.ListenAddrs(), Topic: "events", Partitions: 1},
	}, func() { policies.Close(); cluster.Close() }
}
