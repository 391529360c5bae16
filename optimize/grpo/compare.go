package grpo

import "math"

// levelSum is how far apart, for each unit of weight, the sums of a group's
// normalised rewards may be and still count as equal: rewards that outweigh each
// other leave a rest of rounding.
const levelSum = 1e-9

// Level reports whether the rollouts of one group, which are all that r holds,
// are worth the same to e, so that there is nothing to compare. The values are
// finite. Under SumThenNormalize their weighted sums are equal; under
// NormalizeThenSum the weighted sums of their rewards, each normalised by
// itself, are, but for rounding: rewards of a constant sum may teach, and those
// that are constant one by one do not. Rollouts without a reward say nothing. To
// a level group AdvantagesTo gives advantages of 0, unless e.Equal is
// TeachFormula.
func (e Estimator) Level(r Rewards, s *Scratch) bool {
	l := Layout{GroupOffsets: []int{0, len(r.Values) / r.functions()}}
	s.read(r, l)
	e.compare(s, r, l)
	return s.level[0]
}

// read notes which rollouts have a reward, and their weighted sums.
func (s *Scratch) read(r Rewards, l Layout) {
	s.grow(l.Rollouts(), l.Groups())
	for j := range s.reward {
		s.scored[j] = r.Scored(j)
		s.reward[j] = r.Sum(j)
	}
}

// compare notes which groups are level. Under NormalizeThenSum it leaves the
// weighted sums of the normalised rewards in s.value.
func (e Estimator) compare(s *Scratch, r Rewards, l Layout) {
	worth, room := s.reward, 0.0
	if e.Composition == NormalizeThenSum {
		e.compose(s, r, l)
		worth = s.value
		for k := range r.functions() {
			room += float64(levelSum * math.Abs(r.weight(k)))
		}
	}
	for g := range s.level {
		first, last := l.RolloutsOf(g)
		least, most := math.Inf(1), math.Inf(-1)
		for j := first; j < last; j++ {
			if s.scored[j] {
				least, most = min(least, worth[j]), max(most, worth[j])
			}
		}
		s.level[g] = most <= least || most-least <= room
	}
}

// compose writes to s.value the weighted sums of rewards that are normalised
// within their group, each function's by themselves.
func (e Estimator) compose(s *Scratch, r Rewards, l Layout) {
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
}

// scaleComposed gives the composed values mean 0 and deviation 1 over the batch.
func (e Estimator) scaleComposed(s *Scratch) {
	mean, _ := average(s.value, s.scored)
	scale := deviation(s.value, s.scored, e.DDOF) + e.Epsilon
	for j, v := range s.value {
		if s.value[j] = 0; scale > 0 {
			s.value[j] = (v - mean) / scale
		}
	}
}
