package serve_test

import (
	"testing"

	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
)

// BenchmarkDecide asks over HTTP for one decision of the Countdown example's
// size.
func BenchmarkDecide(b *testing.B) {
	p, err := policy.New(policy.Shape{Kind: policy.MLP, Features: 22, Hidden: 128}, 1)
	if err != nil {
		b.Fatal(err)
	}
	client := newClient(b, start(b, p))
	features := append([]float32{}, p.Weights().Flat[:20*22]...)
	request := serve.Request{Seed: 1, Decisions: []serve.Decision{{Features: serve.Rows{Width: 22, Values: features}}}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Decide(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}
