package grpo

import (
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// Evaluate writes the gradient of the loss for the tokens of groups first to
// last to dst, and one tally per group to tallies. Gradients of other tokens
// stay as they are; those of masked tokens become 0. The totals are those of
// the whole mini-batch (Aggregation.Totals), so that a group's results do not
// depend on the others evaluated with it, and the loss of the mini-batch is the
// sum of all groups' losses.
//
// o and b must be valid (Objective.Validate, Batch.Validate). Evaluate returns
// ErrLayout for slices that do not fit, and ErrNotFinite, naming the group,
// when its loss is not finite. It does not allocate.
func Evaluate[T numerics.Float](dst Gradient[T], tallies []Tally, o Objective, b Batch[T], totals Totals, first, last int) error {
	n := b.Layout.Tokens()
	if len(dst.LogProb) != n || (o.Entropy.Coefficient > 0 && len(dst.Entropy) != n) || len(tallies) != last-first {
		return fmt.Errorf("%w: gradient of %d tokens and %d tallies for %d tokens and %d groups",
			ErrLayout, len(dst.LogProb), len(tallies), n, last-first)
	}
	var k kernel[T]
	k.begin(dst, o, b, totals, last)
	for g := first; g < last; g++ {
		tally := &tallies[g-first]
		*tally = Tally{}
		firstRollout, lastRollout := b.Layout.RolloutsOf(g)
		for j := firstRollout; j < lastRollout; j++ {
			k.rollout(j, tally)
		}
		if !finite(tally.Loss()) {
			return fmt.Errorf("loss of group %d is %v: %w", g, tally.Loss(), ErrNotFinite)
		}
	}
	return nil
}

func (k *kernel[T]) in(t int) bool { return k.batch.Mask == nil || k.batch.Mask[t] }

func (k *kernel[T]) rollout(j int, tally *Tally) {
	first, last := k.batch.Layout.RowsOf(j)
	tokens := 0
	if k.Aggregation.Kind == RolloutMean {
		tokens = rolloutLength(k.batch.Layout, k.batch.Mask, j)
	}
	for i := first; i < last; i++ {
		firstToken, lastToken := k.batch.Layout.TokensOf(i)
		length := rowLength(k.batch.Layout, k.batch.Mask, i)
		if length == 0 {
			clear(k.dst.LogProb[firstToken:lastToken])
			if k.dst.Entropy != nil {
				clear(k.dst.Entropy[firstToken:lastToken])
			}
			continue
		}
		r := k.measure(firstToken, lastToken, length, float64(k.batch.Advantages[j]))
		r.plain = k.Aggregation.weight(k.totals, length, tokens)
		r.policy = float64(r.plain * r.weight)
		k.row(r, tally)
	}
}
