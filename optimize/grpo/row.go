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
	if k.batch.Mask != nil {
		k.skip(r)
	}
	for from, to := k.next(r.first, r.last); from < to; from, to = k.next(to, r.last) {
		if from >= k.block.last {
			k.fill(from)
		}
		to = min(to, k.block.last)
		if !k.is.clips {
			k.surrogates(r, from, to)
		}
		if k.is.perToken {
			k.policies(r, from, to, &s)
		}
		k.tokens(r, from, to, &s)
	}
	if k.is.flows && s.flow != 0 {
		k.spread(r, float64(s.flow*r.active)/r.mean)
	}
	k.count(r, &s, tally)
}

// next returns the next tokens from first on, before last, that the mask lets
// through and that nothing stands between; none, if there are none.
func (k *kernel[T]) next(first, last int) (from, to int) {
	mask := k.batch.Mask
	if mask == nil {
		return first, last
	}
	for first < last && !mask[first] {
		first++
	}
	for to = first; to < last && mask[to]; {
		to++
	}
	return first, to
}

// skip writes the gradient of the tokens that the mask does not let through.
func (k *kernel[T]) skip(r *row) {
	for t := r.first; t < r.last; t++ {
		if k.batch.Mask[t] {
			continue
		}
		k.dst.LogProb[t] = 0
		if k.dst.Entropy != nil {
			k.dst.Entropy[t] = 0
		}
	}
}

// tokens writes the gradient of some tokens of a row, all in the block and let
// through by the mask. Each sum goes on where that of the tokens before ended.
// Where the gradient flows through the ratio of the row, that part is only
// added up, for spread.
func (k *kernel[T]) tokens(r *row, from, to int, s *rowSums) {
	gradient := k.dst.LogProb[from:to]
	at, n := from-k.block.first, len(gradient)
	logs, ratios, actives := k.log[at:][:n], k.ratio[at:][:n], k.active[at:][:n]
	kls, slopes := k.kl[at:][:n], k.slope[at:][:n]
	values, factors, weights := k.value[:n], k.factor[:n], k.policy[:n]
	is, weighted := k.is, k.KL.Weighted
	rho, policy, active, penalty := r.ratio, r.policy, r.active, float64(r.plain*k.KL.Coefficient)
	ratio, old, kl, loss, flow := s.ratio, s.old, s.kl, s.loss, s.flow
	for i := range gradient {
		old -= logs[i]
		if is.tokenRatio {
			rho = ratios[i]
		}
		ratio += rho
		var value, factor float64
		switch {
		case rho < r.lower:
			s.below++
			value = -float64(r.lower * r.advantage)
		case rho > r.upper:
			s.above++
			value = -float64(r.upper * r.advantage)
		default:
			value = -float64(rho * r.advantage)
			factor = value
		}
		if !is.clips {
			value, factor = values[i], factors[i]
		} else if r.advantage == 0 {
			value, factor = 0, 0
		}
		if is.perToken {
			policy = weights[i]
		}
		token := float64(policy * value)
		through := float64(policy * factor) // by the logarithm of the ratio
		g := 0.0
		if is.constant {
			g, through = through, 0
		}
		if is.divergence {
			d, slope := kls[i], slopes[i]
			if weighted {
				d = float64(d * rho)
				slope = float64(slope * rho)
				through += float64(penalty * d)
			}
			token += float64(penalty * d)
			g += float64(penalty * slope)
			kl += d
		}
		loss += token
		switch {
		case is.flows:
			flow += through
		case is.bounded:
			g += float64(through * actives[i])
		default:
			g += float64(through * active)
		}
		gradient[i] = T(g)
	}
	s.ratio, s.old, s.kl, s.loss, s.flow = ratio, old, kl, loss, flow
}

// entropy adds a token's entropy, writes its derivative, and reports whether
// the entropy mask lets the token through.
func (k *kernel[T]) entropy(t int, s *rowSums) bool {
	h := float64(k.batch.Entropy[t])
	s.entropy += h
	kept := !k.is.gated || h >= k.totals.EntropyThreshold
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
	if flow == 0 {
		return
	}
	for from, to := k.next(r.first, r.last); from < to; from, to = k.next(to, r.last) {
		gradient := k.dst.LogProb[from:to]
		if !k.is.geometric {
			for i, g := range gradient {
				gradient[i] = T(float64(g) + flow)
			}
			continue
		}
		for i, g := range gradient {
			x := float64(k.batch.LogProb[from+i]) - float64(k.batch.Old[from+i])
			if _, on := k.hold(x, r.advantage); on != 0 {
				gradient[i] = T(float64(g) + flow)
			}
		}
	}
}

// count adds the row to the tally.
func (k *kernel[T]) count(r *row, s *rowSums, tally *Tally) {
	add := &tally.Sums
	first := add[sumRows] == 0
	below, above, dual, outside := float64(s.below), float64(s.above), 0.0, float64(s.below+s.above)
	switch {
	case k.is.geometric:
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
	shareBelow, shareAbove := 0.0, 0.0
	if below > 0 {
		shareBelow = below / r.length
	}
	if above > 0 {
		shareAbove = above / r.length
	}
	tally.least(leastBelow, shareBelow, first)
	tally.most(mostAbove, shareAbove, first)
	add[sumRowsBelow] += shareBelow
	add[sumRowsAbove] += shareAbove
	add[sumBelow] += below
	add[sumAbove] += above
	add[sumDual] += dual
	add[sumOutside] += outside

	if k.batch.Sampling != nil {
		k.countWeights(r, tally, first)
	}
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
func (k *kernel[T]) countWeights(r *row, tally *Tally, first bool) {
	add := &tally.Sums
	least, most, widest := math.Inf(1), math.Inf(-1), 0.0
	w, log := 1.0, 0.0
	if k.is.rowWeights {
		log = k.rowDrift(r.first, r.last)
		w = k.Correction.bounded(numerics.Exp(log))
		add[sumWeightRows] += w
	}
	for t := r.first; t < r.last; t++ {
		if !k.in(t) {
			continue
		}
		d := k.drift(t)
		if !k.is.rowWeights {
			log = d
		}
		raw := numerics.Exp(min(max(log, -widestLog), widestLog))
		if k.Correction.Level == CorrectToken {
			w = k.Correction.bounded(raw)
		}
		d = math.Abs(d)
		add[sumSamplingDrift] += d
		widest = max(widest, d)
		add[sumRawWeight] += raw
		add[sumWeight] += w
		add[sumWeightSquare] += float64(w * w)
		if w == 0 {
			add[sumWeightZero]++
		}
		least, most = min(least, w), max(most, w)
	}
	tally.least(leastWeight, least, first)
	tally.most(mostWeight, most, first)
	tally.most(mostSamplingDrift, widest, first)
}
