package grpo_test

import (
	"fmt"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// benchBatch is groups x rollouts x tokens of float32, full or with lengths
// between 1 and tokens.
func benchBatch(groups, rollouts, tokens int, ragged bool) grpo.Batch[float32] {
	s := numerics.NewStream(1)
	b := grpo.Batch[float32]{Layout: grpo.Layout{RowOffsets: []int{0}, GroupOffsets: []int{0}}}
	for g := range groups {
		for range rollouts {
			n := tokens
			if ragged {
				n = 1 + s.IntN(tokens)
			}
			b.Layout.RowOffsets = append(b.Layout.RowOffsets, b.Layout.Tokens()+n)
			b.Advantages = append(b.Advantages, float32(2*s.Float64()-1))
		}
		b.Layout.GroupOffsets = append(b.Layout.GroupOffsets, (g+1)*rollouts)
	}
	for range b.Layout.Tokens() {
		old := -2 * s.Float64()
		b.Old = append(b.Old, float32(old))
		b.LogProb = append(b.LogProb, float32(old+0.4*(s.Float64()-0.5)))
		b.Reference = append(b.Reference, float32(old+0.4*(s.Float64()-0.5)))
	}
	return b
}

func BenchmarkEvaluate(b *testing.B) {
	for _, name := range []string{"grpo", "dapo", "gspo", "cispo", "sapo"} {
		for _, size := range []struct {
			groups, rollouts, tokens int
			ragged                   bool
		}{{64, 8, 256, false}, {64, 8, 256, true}, {8, 8, 4, false}} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d/ragged=%v", name, size.groups, size.rollouts, size.tokens, size.ragged), func(b *testing.B) {
				o, err := grpo.Algorithm(name)
				if err != nil {
					b.Fatal(err)
				}
				o.KL = grpo.KL{Kind: grpo.K3, Coefficient: 0.04}
				batch := benchBatch(size.groups, size.rollouts, size.tokens, size.ragged)
				totals := grpo.Count(batch.Layout, nil, 0, size.groups)
				totals.MaxLength = size.tokens
				g := grpo.Gradient[float32]{LogProb: make([]float32, batch.Layout.Tokens())}
				tallies := make([]grpo.Tally, size.groups)
				for b.Loop() {
					if err := grpo.Evaluate(g, tallies, o, batch, totals, 0, size.groups); err != nil {
						b.Fatal(err)
					}
				}
				perToken := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(batch.Layout.Tokens())
				b.ReportMetric(1e3/perToken, "Mtokens/s")
			})
		}
	}
}
