package serve_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
)

func ExampleClient() {
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 2}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(p.Weights().Flat, []float32{1, -1})

	// A worker serves the policy ...
	host := serve.NewHost(4)
	digest := host.Put(p)
	server := httptest.NewServer(host.Handler())
	defer server.Close()
	site := serve.Site{Host: host, Base: server.URL}

	// ... and an agent asks it.
	transport := serve.NewHTTPClient(8, nil)
	defer transport.CloseIdleConnections()
	client := serve.Client{URL: site.URL(digest), HTTP: transport}
	choices, err := client.Decide(context.Background(), serve.Request{
		Greedy: true,
		Decisions: []serve.Decision{
			{Number: 0, Features: serve.Rows{Width: 2, Values: []float32{0, 0, 2, 1, 1, 3}}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("candidate %d, log-probability %.3f\n", choices[0].Chosen, choices[0].LogProb)
	// Output: candidate 1, log-probability -0.349
}
