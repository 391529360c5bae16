package reward

import (
	"context"
	"fmt"
	"math"
)

// part is one reward with its bounds. A value that is not finite is left as it
// is: no bound makes a number of it.
type part struct {
	scorer    Scorer
	weight    float64
	low, high *float64
	failure   *float64
}

func (p part) Score(ctx context.Context, items []Item) ([]Score, error) {
	scores, err := p.scorer.Score(ctx, items)
	if err != nil {
		return nil, err
	}
	if len(scores) != len(items) {
		return nil, fmt.Errorf("%d scores for %d traces", len(scores), len(items))
	}
	for i := range scores {
		s := &scores[i]
		if finite := !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0); !s.Given || !finite {
			continue
		}
		if p.low != nil {
			s.Value = max(s.Value, *p.low)
		}
		if p.high != nil {
			s.Value = min(s.Value, *p.high)
		}
	}
	return scores, nil
}

// weighted is the weighted sum of several rewards. One that was not given is no
// zero: the sum is that of the others. A trace without any has no reward, and
// one of which a reward failed fails, unless that reward has a failure score.
type weighted []part

func (w weighted) Score(ctx context.Context, items []Item) ([]Score, error) {
	sums := make([]Score, len(items))
	for i := range sums {
		sums[i].Parts = make([]float64, len(w))
	}
	for k, p := range w {
		scores, err := p.Score(ctx, items)
		if err != nil {
			return nil, err
		}
		for i, s := range scores {
			sums[i].add(k, p, s)
		}
	}
	return sums, nil
}

// add adds the reward k of the spec.
func (s *Score) add(k int, p part, one Score) {
	if !one.Given && p.failure != nil {
		one = Score{Given: true, Value: *p.failure}
	}
	switch {
	case one.Given:
		s.Parts[k], s.Given = one.Value, true
		s.Value += float64(p.weight * one.Value)
		return
	case one.Fault != "" && s.Fault == "":
		s.Fault = one.Fault
	}
	s.Parts[k] = math.NaN()
}
