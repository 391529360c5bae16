package grpo_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// permuted is b with its groups, and the rollouts within each, in another order,
// and where each of its tokens was before.
func permuted(b grpo.Batch[float64], s *numerics.Stream) (p grpo.Batch[float64], from []int) {
	p.Layout = grpo.Layout{RowOffsets: []int{0}, RolloutOffsets: []int{0}, GroupOffsets: []int{0}}
	groups := make([]int, b.Layout.Groups())
	s.Perm(groups)
	for _, g := range groups {
		first, last := b.Layout.RolloutsOf(g)
		rollouts := make([]int, last-first)
		s.Perm(rollouts)
		for _, j := range rollouts {
			p.Advantages = append(p.Advantages, b.Advantages[first+j])
			firstRow, lastRow := b.Layout.RowsOf(first + j)
			for i := firstRow; i < lastRow; i++ {
				firstToken, lastToken := b.Layout.TokensOf(i)
				for t := firstToken; t < lastToken; t++ {
					from = append(from, t)
				}
				p.Layout.RowOffsets = append(p.Layout.RowOffsets, len(from))
			}
			p.Layout.RolloutOffsets = append(p.Layout.RolloutOffsets, len(p.Layout.RowOffsets)-1)
		}
		p.Layout.GroupOffsets = append(p.Layout.GroupOffsets, len(p.Layout.RolloutOffsets)-1)
	}
	pick := func(values []float64) []float64 {
		picked := make([]float64, len(from))
		for i, t := range from {
			picked[i] = values[t]
		}
		return picked
	}
	p.LogProb, p.Old, p.Reference, p.Sampling, p.Entropy = pick(b.LogProb), pick(b.Old), pick(b.Reference), pick(b.Sampling), pick(b.Entropy)
	p.Mask = make([]bool, len(from))
	for i, t := range from {
		p.Mask[i] = b.Mask[t]
	}
	return p, from
}

func TestOrderOfRolloutsAndGroupsDoesNotMatterToTheGradient(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := randomObjective(t)
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 6).Draw(t, "groups"))
		p, from := permuted(b, numerics.NewStream(rapid.Uint64().Draw(t, "order")))
		want, _ := evaluate(t, o, b, totalsOf(b, o))
		got, _ := evaluate(t, o, p, totalsOf(p, o))
		for i, at := range from {
			if math.Float64bits(got.LogProb[i]) != math.Float64bits(want.LogProb[at]) ||
				math.Float64bits(got.Entropy[i]) != math.Float64bits(want.Entropy[at]) {
				t.Fatalf("token %d: gradient %v and %v, want %v and %v", at, got.LogProb[i], got.Entropy[i], want.LogProb[at], want.Entropy[at])
			}
		}
	})
}
