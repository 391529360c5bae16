package grpo

import "github.com/cohort-rl/cohort/numerics"

// blockTokens is how many tokens a block holds.
const blockTokens = 128

// block holds what is costly of the tokens from first to last, one value a
// token. It is computed for as many tokens as a block holds, whatever rows they
// belong to and whatever the mask says of them.
type block struct {
	first, last int
	log         [blockTokens]float64 // logpi - logpi_old
	active      [blockTokens]float64 // derivative of the ratio's bounded logarithm, where it has bounds
	ratio       [blockTokens]float64 // its exponential, where tokens have a ratio of their own
	kl          [blockTokens]float64 // divergence, where it is in the loss
	slope       [blockTokens]float64 // its derivative by logpi

	// What follows is of the tokens of one row, where it is needed.
	value  [blockTokens]float64 // policy loss before its weight
	factor [blockTokens]float64 // its derivative, see surrogates
	policy [blockTokens]float64 // weight of the policy loss
}

// fill makes a block of the tokens that begin with first.
func (k *kernel[T]) fill(first int) {
	k.block.first, k.block.last = first, min(first+blockTokens, k.end)
	logProb, old := k.batch.LogProb[first:k.block.last], k.batch.Old[first:k.block.last]
	old = old[:len(logProb)]
	log := k.log[:len(logProb)]
	for i, v := range logProb {
		log[i] = float64(v) - float64(old[i])
	}
	if k.is.tokenRatio {
		bounded := log
		if k.is.bounded {
			bounded = k.value[:len(log)]
			for i, x := range log {
				bounded[i], k.active[i] = k.boundLog(x)
			}
		}
		numerics.ExpTo(k.ratio[:], bounded)
	}
	if k.is.divergence {
		reference, slope := k.batch.Reference[first:k.block.last], k.slope[:len(logProb)]
		reference = reference[:len(logProb)]
		for i, v := range logProb {
			slope[i] = float64(reference[i]) - float64(v)
		}
		k.KL.to(k.kl[:], slope)
	}
}

// surrogates fills value with the policy loss and factor with its derivative by
// the logarithm of the ratio, or by logpi where the ratio is a constant weight.
func (k *kernel[T]) surrogates(r *row, from, to int) {
	n := to - from
	value, factor := k.value[:n], k.factor[:n]
	logProb, ratios := k.batch.LogProb[from:to], k.ratio[from-k.block.first:]
	rho := r.ratio
	for i, lp := range logProb {
		if k.is.tokenRatio {
			rho = ratios[i]
		}
		switch k.Clip.Kind {
		case ClipSoft:
			gate := numerics.Sigmoid(float64(r.temperature * (rho - 1)))
			value[i] = -float64(float64(4/r.temperature*gate) * r.advantage)
			slope := float64(float64(4*gate) * (1 - gate))
			factor[i] = -float64(float64(slope*rho) * r.advantage)
		case ClipWeight:
			factor[i] = -float64(min(max(rho, r.lower), r.upper) * r.advantage)
			value[i] = float64(factor[i] * float64(lp))
		case ClipGamma:
			factor[i] = -float64(r.gamma * r.advantage)
			value[i] = float64(factor[i] * float64(lp))
		case ClipRatio: // is computed with the tokens
		}
	}
}

// policies fills policy, and does what is to be done with entropies.
func (k *kernel[T]) policies(r *row, from, to int, s *rowSums) {
	for t := from; t < to; t++ {
		policy := r.policy
		if k.is.tokenWeights {
			policy = float64(policy * k.tokenWeight(t))
		}
		if k.batch.Entropy != nil && !k.entropy(t, s) {
			policy = 0
		}
		k.policy[t-from] = policy
	}
}
