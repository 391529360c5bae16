package grpo

import (
	"math"

	"github.com/cohort-rl/cohort/numerics"
)

// rowSums is what the tokens of a row add up.
type rowSums struct {
	loss, bonus     float64
	kl, ratio, old  float64
	below, above    int
	flow            float64 // derivative of the loss by the logarithm of the row's ratio
	entropy, active float64
	kept            int
}

// row writes the gradient of a row's tokens and adds the row to the tally.
func (k *kernel[T]) row(r *row, tally *Tally) {
	var s rowSums
	perToken := k.Ratio.Level == LevelToken
	perTokenWeight := k.Correction.Level == CorrectToken && k.Clip.Kind != ClipGamma
	flows := k.Ratio.Level == LevelSequence || k.Ratio.Level == LevelGeometric
	needsRatio := k.Clip.Kind != ClipGamma || k.KL.Weighted
	logProb, old, gradient := k.batch.LogProb, k.batch.Old, k.dst.LogProb
	rho, active := r.ratio, r.active
	for t := r.first; t < r.last; t++ {
		if !k.in(t) {
			gradient[t] = 0
			if k.dst.Entropy != nil {
				k.dst.Entropy[t] = 0
			}
			continue
		}
		lp := float64(logProb[t])
		x := lp - float64(old[t])
		s.old -= x
		if perToken && needsRatio {
			x, active = k.boundLog(x)
			rho = numerics.Exp(x)
		}
		if rho < r.lower {
			s.below++
		} else if rho > r.upper {
			s.above++
		}
		s.ratio += rho

		value, through, direct := k.surrogate(r, rho, lp)
		policy := r.policy
		if perTokenWeight {
			policy = float64(policy * k.tokenWeight(t))
		}
		if k.batch.Entropy != nil && !k.entropy(t, &s) {
			policy = 0
		}
		loss, g := float64(policy*value), float64(policy*direct)
		slope := float64(policy * through) // by the logarithm of the ratio
		if k.divergence {
			kl, klSlope := k.KL.at(float64(k.batch.Reference[t]) - lp)
			c := float64(r.plain * k.KL.Coefficient)
			if k.KL.Weighted {
				klSlope = float64(klSlope * rho)
				kl = float64(kl * rho)
				slope += float64(c * kl)
			}
			loss += float64(c * kl)
			g += float64(c * klSlope)
			s.kl += kl
		}
		s.loss += loss
		if flows {
			s.flow += slope
		} else {
			g += float64(slope * active)
		}
		gradient[t] = T(g)
	}
	if flow := float64(s.flow*r.active) / r.mean; flows && flow != 0 {
		k.spread(r, flow)
	}
	k.count(r, &s, tally)
}

// surrogate returns a token's policy loss, its derivative by the logarithm of
// the ratio, and that by logpi where the ratio is a constant weight.
func (k *kernel[T]) surrogate(r *row, rho, logProb float64) (value, through, direct float64) {
	switch k.Clip.Kind {
	case ClipRatio:
		switch {
		case r.advantage == 0:
			return 0, 0, 0
		case rho > r.upper:
			return -float64(r.upper * r.advantage), 0, 0
		case rho < r.lower:
			return -float64(r.lower * r.advantage), 0, 0
		}
		value = -float64(rho * r.advantage)
		return value, value, 0
	case ClipSoft:
		gate := numerics.Sigmoid(float64(r.temperature * (rho - 1)))
		value = -float64(float64(4/r.temperature*gate) * r.advantage)
		slope := float64(float64(4*gate) * (1 - gate))
		return value, -float64(float64(slope*rho) * r.advantage), 0
	case ClipWeight:
		direct = -float64(min(max(rho, r.lower), r.upper) * r.advantage)
	case ClipGamma:
		direct = -float64(r.gamma * r.advantage)
	}
	return float64(direct * logProb), 0, direct
}

// entropy adds a token's entropy, writes its derivative, and reports whether
// the entropy mask lets the token through.
func (k *kernel[T]) entropy(t int, s *rowSums) bool {
	h := float64(k.batch.Entropy[t])
	s.entropy += h
	kept := !k.gated || h >= k.totals.EntropyThreshold
	slope := 0.0
	if kept {
		s.kept++
		s.active += h
		s.bonus += float64(k.bonus * h)
		slope = -k.bonus
	}
	if k.dst.Entropy != nil {
		k.dst.Entropy[t] = T(slope)
	}
	return kept
}

// spread adds the derivative by the logarithm of the row's ratio, divided by
// its length, to the tokens that the ratio follows.
func (k *kernel[T]) spread(r *row, flow float64) {
	for t := r.first; t < r.last; t++ {
		if !k.in(t) {
			continue
		}
		if k.Ratio.Level == LevelGeometric {
			x := float64(k.batch.LogProb[t]) - float64(k.batch.Old[t])
			if _, on := k.geometric(x, r.advantage); on == 0 {
				continue
			}
		}
		k.dst.LogProb[t] = T(float64(k.dst.LogProb[t]) + flow)
	}
}

// count adds the row to the tally.
func (k *kernel[T]) count(r *row, s *rowSums, tally *Tally) {
	var least [leastCount]float64
	var most [mostCount]float64
	add := &tally.Sums
	below, above, dual, outside := float64(s.below), float64(s.above), 0.0, float64(s.below+s.above)
	switch {
	case k.Ratio.Level == LevelGeometric:
		outside = float64(r.outside)
		if r.advantage > 0 {
			above = outside
		} else if r.advantage < 0 {
			below = outside
		}
	case r.advantage < 0:
		above, dual = 0, above
	case r.advantage == 0:
		above = 0
	}
	least[leastBelow], most[mostAbove] = below/r.length, above/r.length
	add[sumRowsBelow] += least[leastBelow]
	add[sumRowsAbove] += most[mostAbove]
	add[sumBelow] += below
	add[sumAbove] += above
	add[sumDual] += dual
	add[sumOutside] += outside

	if k.batch.Sampling != nil {
		k.countWeights(r, tally, &least, &most)
	}
	tally.observe(least, most)
	add[sumTokens] += r.length
	add[sumRows]++
	add[sumLoss] += s.loss - s.bonus
	add[sumPolicyLoss] += s.loss
	add[sumKL] += s.kl
	add[sumRatio] += s.ratio
	add[sumOldDrift] += s.old
	add[sumEntropy] += s.entropy
	add[sumEntropyKept] += float64(s.kept)
	add[sumEntropyActive] += s.active
	add[sumGammaRows] += r.gamma
	if r.offPolicy {
		add[sumOffPolicyRows]++
	}
}

// countWeights adds the correction weights of the row. Where there is none, it
// adds what weights per token would be before they are bounded.
func (k *kernel[T]) countWeights(r *row, tally *Tally, least *[leastCount]float64, most *[mostCount]float64) {
	add := &tally.Sums
	least[leastWeight], most[mostWeight] = math.Inf(1), math.Inf(-1)
	w, log := 1.0, 0.0
	if k.Correction.perRow() {
		log = k.rowDrift(r.first, r.last)
		w = k.Correction.bounded(numerics.Exp(log))
		add[sumWeightRows] += w
	}
	for t := r.first; t < r.last; t++ {
		if !k.in(t) {
			continue
		}
		d := k.drift(t)
		if !k.Correction.perRow() {
			log = d
		}
		raw := numerics.Exp(min(max(log, -widestLog), widestLog))
		if k.Correction.Level == CorrectToken {
			w = k.Correction.bounded(raw)
		}
		d = math.Abs(d)
		add[sumSamplingDrift] += d
		most[mostSamplingDrift] = max(most[mostSamplingDrift], d)
		add[sumRawWeight] += raw
		add[sumWeight] += w
		add[sumWeightSquare] += float64(w * w)
		if w == 0 {
			add[sumWeightZero]++
		}
		least[leastWeight], most[mostWeight] = min(least[leastWeight], w), max(most[mostWeight], w)
	}
}
