package grpo

import (
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/numerics"
)

// Scratch is memory that AdvantagesTo reuses. The zero Scratch is ready.
type Scratch struct {
	scored []bool
	reward []float64
	value  []float64
	part   []float64
	given  []bool
}

func (s *Scratch) grow(n int) {
	if cap(s.reward) < n {
		s.scored, s.given = make([]bool, n), make([]bool, n)
		s.reward, s.value, s.part = make([]float64, n), make([]float64, n), make([]float64, n)
	}
	s.scored, s.given = s.scored[:n], s.given[:n]
	s.reward, s.value, s.part = s.reward[:n], s.value[:n], s.part[:n]
}

// AdvantagesTo writes the advantage of each rollout to dst, one per rollout, and
// the standard deviation of the rewards of each group to spread, one per group:
// exactly 0 for a group of one and a group of equal rewards, and NaN for a group
// without a reward. lengths, one per rollout, is needed by the baseline
// length_weighted and the scale whiten alone. The arithmetic is float64, sums
// go by the order of rollouts. It returns an error of e, of r, or ErrNotFinite
// when an advantage is not finite.
func AdvantagesTo[T numerics.Float](dst []T, spread []float64, e Estimator, r Rewards, l Layout, lengths []int, s *Scratch) error {
	n := l.Rollouts()
	if err := e.Validate(); err != nil {
		return err
	}
	if err := r.Validate(n); err != nil {
		return err
	}
	needsLengths := e.Baseline == BaselineLengthWeighted || e.Scale == ScaleWhiten
	if len(dst) != n || len(spread) != l.Groups() || (needsLengths && len(lengths) != n) {
		return fmt.Errorf("%w: %d advantages, %d spreads and %d lengths for %d rollouts in %d groups",
			ErrLayout, len(dst), len(spread), len(lengths), n, l.Groups())
	}
	s.grow(n)
	for j := range n {
		s.scored[j] = r.Scored(j)
		s.reward[j] = r.Sum(j)
	}
	for g := range spread {
		first, last := l.RolloutsOf(g)
		spread[g] = deviation(s.reward[first:last], s.scored[first:last], e.DDOF)
	}
	if e.Composition == NormalizeThenSum {
		e.composed(s, r, l)
	} else {
		for g := range spread {
			first, last := l.RolloutsOf(g)
			e.group(s, first, last, lengths)
		}
		e.scaleBatch(s, lengths)
	}
	for g := range spread {
		if e.silences(s, r, l, g) {
			first, last := l.RolloutsOf(g)
			clear(s.value[first:last])
		}
	}
	for j, v := range s.value {
		if !s.scored[j] {
			v = 0
		}
		if dst[j] = T(v); !finite(float64(dst[j])) {
			return fmt.Errorf("advantage of rollout %d is %v: %w", j, dst[j], ErrNotFinite)
		}
	}
	return nil
}

// silences reports whether group g compares nothing and must not teach.
func (e Estimator) silences(s *Scratch, r Rewards, l Layout, g int) bool {
	first, last := l.RolloutsOf(g)
	n, equal, before := 0, true, -1
	for j := first; j < last; j++ {
		if !s.scored[j] {
			continue
		}
		if n++; before >= 0 {
			equal = equal && e.same(s, r, before, j)
		}
		before = j
	}
	switch {
	case n == 1:
		return e.Singleton == TeachNothing
	case n > 1 && equal:
		return e.Equal == TeachNothing
	}
	return false
}

// same reports whether two rollouts have the same reward, or under
// NormalizeThenSum the same rewards.
func (e Estimator) same(s *Scratch, r Rewards, i, j int) bool {
	if e.Composition == SumThenNormalize {
		return s.reward[i] == s.reward[j]
	}
	for k := range r.functions() {
		if r.valid(i, k) != r.valid(j, k) || (r.valid(i, k) && r.value(i, k) != r.value(j, k)) {
			return false
		}
	}
	return true
}

// composed is normalize_then_sum: each function's values are normalised within
// their group, and the weighted sums over the batch.
func (e Estimator) composed(s *Scratch, r Rewards, l Layout) {
	clear(s.value)
	for k := range r.functions() {
		for j := range s.part {
			s.part[j], s.given[j] = 0, r.valid(j, k)
			if s.given[j] {
				s.part[j] = r.value(j, k)
			}
		}
		for g := range l.Groups() {
			first, last := l.RolloutsOf(g)
			values, given := s.part[first:last], s.given[first:last]
			mean, _ := average(values, given)
			scale := deviation(values, given, e.DDOF) + e.Epsilon
			if scale == 0 {
				continue // Equal values without an epsilon say nothing.
			}
			for i, v := range values {
				if given[i] {
					s.value[first+i] += float64(r.weight(k) * ((v - mean) / scale))
				}
			}
		}
	}
	mean, _ := average(s.value, s.scored)
	scale := deviation(s.value, s.scored, e.DDOF) + e.Epsilon
	for j, v := range s.value {
		if s.value[j] = 0; scale > 0 {
			s.value[j] = (v - mean) / scale
		}
	}
}

// average returns the mean of the values whose flag is set, and their number.
func average(values []float64, flags []bool) (float64, int) {
	sum, n := 0.0, 0
	for i, v := range values {
		if flags[i] {
			sum += v
			n++
		}
	}
	return sum / float64(n), n
}

// deviation returns the standard deviation of the values whose flag is set:
// exactly 0 when they are equal or there is one, NaN when there is none.
func deviation(values []float64, flags []bool, ddof int) float64 {
	mean, n := average(values, flags)
	if n < 2 {
		return mean - mean
	}
	sum, equal, first := 0.0, true, math.NaN()
	for i, v := range values {
		if !flags[i] {
			continue
		}
		if first != first {
			first = v
		}
		equal = equal && v == first
		sum += float64((v - mean) * (v - mean))
	}
	if equal {
		return 0
	}
	return math.Sqrt(sum / float64(n-ddof))
}
