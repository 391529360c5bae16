package grpo

import "math"

// group writes the advantages of the scored rollouts first to last, up to what
// needs the batch, to s.value.
func (e Estimator) group(s *Scratch, first, last int, lengths []int) {
	reward, scored, value := s.reward[first:last], s.scored[first:last], s.value[first:last]
	clear(value)
	mean, n := average(reward, scored)
	if n == 0 {
		return
	}
	scale := 1.0
	if n == 1 {
		mean = 0
	} else if e.Scale == ScaleGroup {
		scale = deviation(reward, scored, e.DDOF)
	}
	if e.Scale == ScaleGroup {
		scale += e.Epsilon
	}
	switch {
	case n == 1: // Its mean is 0 and its deviation 1, whatever the baseline.
	case e.Baseline == BaselineLengthWeighted:
		mean = lengthWeighted(reward, scored, lengths[first:last], mean)
	case e.Baseline == BaselineSecondBest:
		secondBest(value, reward, scored, scale)
		return
	}
	for i, r := range reward {
		switch {
		case !scored[i]:
		case e.Baseline == BaselineLeaveOneOut && n > 1:
			// r minus the mean of the n-1 others.
			value[i] = (r - mean) * (float64(n) / float64(n-1))
		case e.Scale == ScaleMean && mean > 0:
			value[i] = (r - mean) / mean
		case e.Scale == ScaleMean && n > 1: // A mean that is not positive scales nothing.
		case scale > 0:
			value[i] = (r - mean) / scale
		}
	}
}

// lengthWeighted returns the mean of the rewards weighted by lengths, or the
// plain mean when all lengths are 0.
func lengthWeighted(reward []float64, scored []bool, lengths []int, mean float64) float64 {
	sum, total := 0.0, 0.0
	for i, r := range reward {
		if scored[i] {
			sum += float64(float64(lengths[i]) * r)
			total += float64(lengths[i])
		}
	}
	if total == 0 {
		return mean
	}
	return sum / total
}

// secondBest gives the best rollout its lead over the second best, the others 0.
func secondBest(value, reward []float64, scored []bool, scale float64) {
	best, lead := -1, math.Inf(-1)
	for i, r := range reward {
		switch {
		case !scored[i]:
		case best < 0 || r > reward[best]:
			if best >= 0 {
				lead = reward[best]
			}
			best = i
		default:
			lead = max(lead, r)
		}
	}
	if scale > 0 {
		value[best] = (reward[best] - lead) / scale
	}
}

// scaleBatch applies the scales that need every group.
func (e Estimator) scaleBatch(s *Scratch, lengths []int) {
	switch e.Scale {
	case ScaleBatch:
		scale := deviation(s.reward, s.scored, e.DDOF) + e.Epsilon
		for j := range s.value {
			if s.value[j] /= scale; scale == 0 {
				s.value[j] = 0
			}
		}
	case ScaleNonzero:
		n, nonzero := 0, 0
		for j, r := range s.reward {
			if s.scored[j] {
				n++
				if r != 0 {
					nonzero++
				}
			}
		}
		for j := range s.value {
			s.value[j] *= float64(n) / float64(max(1, nonzero))
		}
	case ScaleWhiten:
		e.whiten(s.value, s.scored, lengths)
	case ScaleNone, ScaleGroup, ScaleMean:
	}
}

// whiten shifts and scales values to mean 0 and unbiased variance 1 over
// tokens, of which value j has lengths[j].
func (e Estimator) whiten(values []float64, scored []bool, lengths []int) {
	sum, n := 0.0, 0.0
	for j, v := range values {
		if scored[j] {
			sum += float64(float64(lengths[j]) * v)
			n += float64(lengths[j])
		}
	}
	if n < 2 {
		clear(values)
		return
	}
	count := n + e.CountEpsilon
	mean, squares := sum/count, 0.0
	for j, v := range values {
		if scored[j] {
			squares += float64(float64(lengths[j]) * float64((v-mean)*(v-mean)))
		}
	}
	scale := math.Sqrt(float64(squares/count*(n/(n-1))) + e.Epsilon)
	for j := range values {
		if values[j] -= mean; scale > 0 {
			values[j] /= scale
		}
	}
}
