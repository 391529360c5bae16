package serve_test

import (
	"fmt"
	"testing"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
)

// BenchmarkDecide asks over HTTP for one decision of the Countdown example's
// size, one request after the other.
func BenchmarkDecide(b *testing.B) {
	p, request := countdownSized(b, policy.MLP, 1)
	client := newClient(b, start(b, p))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Decide(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecisionsPerSecond is what docs/operations.md tells of `cohort
// serve`: as many clients as processors, client and server on one machine.
func BenchmarkDecisionsPerSecond(b *testing.B) {
	for _, kind := range []string{policy.Linear, policy.MLP} {
		for _, decisions := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/%d-a-request", kind, decisions), func(b *testing.B) {
				p, request := countdownSized(b, kind, decisions)
				client := newClient(b, start(b, p))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if _, err := client.Decide(b.Context(), request); err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N*decisions)/b.Elapsed().Seconds(), "decisions/s")
			})
		}
	}
}

// countdownSized is a policy with 22 features (and 128 hidden units), and a
// request for decisions between 20 candidates each.
func countdownSized(b *testing.B, kind string, decisions int) (policy.Policy, serve.Request) {
	b.Helper()
	shape := policy.Shape{Kind: kind, Features: 22}
	if kind == policy.MLP {
		shape.Hidden = 128
	}
	p, err := policy.New(shape, 1)
	if err != nil {
		b.Fatal(err)
	}
	features := make([]float32, 20*22)
	for i := range features {
		features[i] = float32(i%7) / 7
	}
	request := serve.Request{Seed: 1}
	for n := range decisions {
		request.Decisions = append(request.Decisions, serve.Decision{Number: uint32(n), Features: serve.Rows{Width: 22, Values: features}})
	}
	return p, request
}
