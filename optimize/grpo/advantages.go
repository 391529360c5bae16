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
	level  []bool // by group
}

func (s *Scratch) grow(n, groups int) {
	if cap(s.reward) < n {
		s.scored, s.given = make([]bool, n), make([]bool, n)
		s.reward, s.value, s.part = make([]float64, n), make([]float64, n), make([]float64, n)
	}
	s.scored, s.given = s.scored[:n], s.given[:n]
	s.reward, s.value, s.part = s.reward[:n], s.value[:n], s.part[:n]
	if cap(s.level) < groups {
		s.level = make([]bool, groups)
	}
	s.level = s.level[:groups]
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
	s.read(r, l)
	for g := range spread {
		first, last := l.RolloutsOf(g)
		spread[g] = deviation(s.reward[first:last], s.scored[first:last], e.DDOF)
	}
	e.compare(s, r, l)
	if e.Composition == NormalizeThenSum {
		e.scaleComposed(s)
	} else {
		for g := range spread {
			first, last := l.RolloutsOf(g)
			e.group(s, first, last, lengths)
		}
		e.scaleBatch(s, lengths)
	}
	for g := range spread {
		if first, last := l.RolloutsOf(g); e.silences(s, g, first, last) {
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
func (e Estimator) silences(s *Scratch, g, first, last int) bool {
	n := 0
	for _, scored := range s.scored[first:last] {
		if scored {
			n++
		}
	}
	return n == 1 && e.Singleton == TeachNothing || n > 1 && s.level[g] && e.Equal == TeachNothing
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
