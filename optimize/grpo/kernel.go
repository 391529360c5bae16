package grpo

import (
	"math"

	"github.com/cohort-rl/cohort/numerics"
)

// kernel is an objective at work on a batch.
type kernel[T numerics.Float] struct {
	Objective
	block

	is traits

	batch  Batch[T]
	dst    Gradient[T]
	totals Totals
	end    int     // of the tokens of all groups
	bonus  float64 // the entropy coefficient per token
	signs  [3]row  // what rows of negative, zero and positive advantage have in common
}

// traits are what an objective and a batch ask for, told once instead of per row.
type traits struct {
	tokenRatio   bool // every token has a ratio of its own
	bounded      bool // whose logarithm has bounds
	flows        bool // the gradient flows through the ratio of a row
	geometric    bool // which is the mean of clipped logarithms
	clips        bool // the ratio is clipped, and no constant weight
	constant     bool // the ratio is a weight, through which no gradient flows
	gamma        bool // which is VESPO's
	divergence   bool // a divergence is in the loss
	gated        bool // the entropy mask is on
	tokenWeights bool // every token has a correction weight of its own
	rowWeights   bool // every row has one
	perToken     bool // tokens of a row differ in the weight of their policy loss
}

// begin prepares the kernel for groups before last.
func (k *kernel[T]) begin(dst Gradient[T], o Objective, b Batch[T], totals Totals, last int) {
	k.Objective, k.batch, k.dst, k.totals, k.end = o, b, dst, totals, b.Layout.endOf(last)
	if o.Entropy.Coefficient > 0 {
		k.bonus = o.Entropy.Coefficient / float64(max(1, totals.EntropyTokens))
	}
	clip, level := o.Clip.Kind, o.Ratio.Level
	k.is.geometric, k.is.flows = level == LevelGeometric, level == LevelSequence || level == LevelGeometric
	k.is.clips, k.is.gamma, k.is.constant = clip == ClipRatio, clip == ClipGamma, clip == ClipWeight || clip == ClipGamma
	k.is.tokenRatio = level == LevelToken && (!k.is.gamma || o.KL.Weighted)
	k.is.bounded = k.is.tokenRatio && (o.Ratio.LogMin != 0 || o.Ratio.LogMax != 0)
	k.is.divergence, k.is.gated = o.divergence(), o.Entropy.TopFraction > 0
	k.is.tokenWeights, k.is.rowWeights = o.Correction.Level == CorrectToken && !k.is.gamma, o.Correction.perRow()
	k.is.perToken = k.is.tokenWeights || b.Entropy != nil
	for i := range k.signs {
		o.Clip.bound(&k.signs[i], i-1, level)
	}
}

// bound sets the bounds that hold the ratio for the sign of an advantage.
func (c Clip) bound(r *row, sign int, level Level) {
	r.lower, r.upper = 0, math.Inf(1)
	switch {
	case c.Kind == ClipSoft:
		if r.temperature = c.TauNegative; sign > 0 {
			r.temperature = c.TauPositive
		}
	case c.Kind == ClipWeight && sign < 0:
		r.lower, r.upper = c.Negative.Lower, c.Negative.Upper
	case c.Kind == ClipWeight:
		r.lower, r.upper = c.Positive.Lower, c.Positive.Upper
	case c.Kind != ClipRatio || level == LevelGeometric:
	case sign > 0:
		r.upper = 1 + c.High
	case sign < 0:
		r.lower = 1 - c.Low
		if c.Dual > 0 {
			r.upper = c.Dual
		}
	}
}
