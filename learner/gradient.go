package learner

import (
	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// workspace is the memory in which one goroutine computes leaves.
type workspace struct {
	activations policy.Activations
	gradient    []float32
	leaf        []float64
	tally       [1]grpo.Tally
}

// totals are what the loss of a mini-batch of some groups, one of parts, needs
// to know before any of it is evaluated.
func (b *trainingBatch) totals(groups []int, whole grpo.Totals, parts int) grpo.Totals {
	t := b.objective.Aggregation.Totals(whole, b.count(groups), parts)
	t.MaxLength = b.learner.spec.GRPO.MaxLength
	if t.MaxLength == 0 {
		t.MaxLength = b.longest()
	}
	if b.objective.Entropy.TopFraction > 0 {
		t.EntropyThreshold, t.EntropyTokens = b.threshold(groups)
	}
	return t
}

// count is the totals of some groups.
func (b *trainingBatch) count(groups []int) grpo.Totals {
	var t grpo.Totals
	for _, g := range groups {
		t = t.Add(grpo.Count(b.layout, b.tokens.Mask, g, g+1))
	}
	return t
}

// longest is the number of decisions of the longest rollout: the constant that
// sequence_sum_norm divides by, since an agent has no longest completion of its own.
func (b *trainingBatch) longest() int {
	most := 0
	for _, n := range b.lengths() {
		most = max(most, n)
	}
	return most
}

// threshold is the entropy from which decisions of some groups are learnt from,
// under the weights as they are, and how many reach it.
func (b *trainingBatch) threshold(groups []int) (float64, int) {
	var entropies []float32
	var mask []bool
	a := &b.scratch[0].activations
	for _, g := range groups {
		b.learner.policy.Forward(a, b.choices[g])
		entropies = append(entropies, a.Entropy...)
		if b.tokens.Mask != nil {
			from, to := b.span(g)
			mask = append(mask, b.tokens.Mask[from:to]...)
		}
	}
	threshold, tokens, _ := grpo.EntropyThreshold(b.objective.Entropy, entropies, mask, nil)
	return threshold, tokens
}

// gradient is that of the loss of some groups with respect to the weights, in
// float64: each group is a leaf, computed in float32, and leaves are added in
// the fixed tree, however many goroutines compute them. It ends soon
// after the batch was interrupted.
func (b *trainingBatch) gradient(groups []int, totals grpo.Totals) (Partial, error) {
	width := len(b.learner.policy.Weights().Flat)
	tree := numerics.NewTree(width)
	tallies := make([]grpo.Tally, 0, len(groups))
	for len(groups) > 0 {
		if b.interrupted != nil {
			if err := b.interrupted(); err != nil {
				return Partial{}, err
			}
		}
		n := min(len(groups), len(b.scratch))
		var g errgroup.Group
		for i := range n {
			g.Go(func() error { return b.leaf(&b.scratch[i], groups[i], totals) })
		}
		if err := g.Wait(); err != nil {
			return Partial{}, err
		}
		for i := range n {
			tree.Push(b.scratch[i].leaf)
			tallies = append(tallies, b.scratch[i].tally[0])
		}
		groups = groups[n:]
	}
	sum := make([]float64, width)
	tree.Sum(sum)
	return Partial{Sum: sum, Tally: grpo.Combine(tallies)}, nil
}

// leaf computes the gradient of one group.
func (b *trainingBatch) leaf(w *workspace, g int, totals grpo.Totals) error {
	p := b.learner.policy
	p.Forward(&w.activations, b.choices[g])
	from, to := b.span(g)
	copy(b.tokens.LogProb[from:to], w.activations.LogProb)
	copy(b.tokens.Entropy[from:to], w.activations.Entropy)
	if err := grpo.Evaluate(b.dst, w.tally[:], b.objective, b.tokens, totals, g, g+1); err != nil {
		return err
	}
	clear(w.gradient)
	var dEntropy []float32
	if b.dst.Entropy != nil {
		dEntropy = b.dst.Entropy[from:to]
	}
	p.Backward(w.gradient, &w.activations, b.choices[g], b.dst.LogProb[from:to], dEntropy)
	for i, v := range w.gradient {
		w.leaf[i] = float64(v)
	}
	return nil
}
