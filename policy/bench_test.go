package policy_test

import (
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// BenchmarkPolicies runs the shapes of the Countdown example over groups of 8
// rollouts of 3 decisions with about 20 candidates.
func BenchmarkPolicies(b *testing.B) {
	for _, shape := range []policy.Shape{
		{Kind: policy.Linear, Features: 22},
		{Kind: policy.MLP, Features: 22, Hidden: 128},
	} {
		p, err := policy.New(shape, 1)
		if err != nil {
			b.Fatal(err)
		}
		c := randomChoices[float32](numerics.NewStream(1), 24, 22, 30)
		var act policy.Activations
		gradient := make([]float32, shape.Size())
		dLogProb := make([]float32, c.Len())
		for d := range dLogProb {
			dLogProb[d] = 1
		}
		flops := 2 * float64(c.Rows()) * float64(shape.Size())
		report := func(b *testing.B) {
			b.Helper()
			b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		}
		b.Run(shape.Kind+"/forward", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Forward(&act, c)
			}
			report(b)
		})
		b.Run(shape.Kind+"/backward", func(b *testing.B) {
			b.ReportAllocs()
			p.Forward(&act, c)
			for b.Loop() {
				p.Backward(gradient, &act, c, dLogProb, dLogProb)
			}
			report(b)
		})
		b.Run(shape.Kind+"/decide", func(b *testing.B) {
			b.ReportAllocs()
			features := c.Features[:20*22]
			for b.Loop() {
				if _, err := policy.Decide(p, features, 1, 2, false); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(2*20*float64(shape.Size())*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
