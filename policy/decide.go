package policy

import (
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// ErrDiverged says that a policy gave scores that are infinite or not numbers.
var ErrDiverged = errors.New("policy's scores are not finite")

// Choice is one decision made.
type Choice struct {
	Chosen  int     `json:"chosen"`   // index of the candidate
	LogProb float32 `json:"log_prob"` // what Forward gives for that choice, bit for bit
}

// Decide chooses among the candidates whose features are given row by row. It
// is a pure function of the policy's weights and its arguments: decision number
// of seed always draws the same random number. Greedy takes the candidate with
// the highest score, the first of several.
//
// Features that do not fit the policy give an error that wraps ErrChoices.
func Decide(p Policy, features []float32, seed uint64, number uint32, greedy bool) (Choice, error) {
	width := p.Shape().Features
	c := Choices{Width: width, Features: features, Offsets: []int{0, len(features) / width}}
	if err := c.Validate(p.Shape()); err != nil {
		return Choice{}, err
	}
	var act Activations
	p.Forward(&act, c)
	return act.Choose(0, seed, number, greedy)
}

// Choose makes the choice of decision d of the batch that Forward last saw, as
// Decide does.
func (a *ActivationsOf[T]) Choose(d int, seed uint64, number uint32, greedy bool) (Choice, error) {
	begin, end := a.offsets[d], a.offsets[d+1]
	var total float64
	for _, p := range a.probs[begin:end] {
		total += float64(p)
	}
	if !finite(total) {
		return Choice{}, fmt.Errorf("decision %d: %w", number, ErrDiverged)
	}
	var chosen int
	if greedy {
		chosen = argmax(a.scores[begin:end])
	} else {
		chosen = pick(a.probs[begin:end], float64(total*numerics.NewStream(seed, uint64(number)).Float64()))
	}
	return Choice{Chosen: chosen, LogProb: float32(a.logs[begin+chosen])}, nil
}

// pick returns the first index whose cumulative probability exceeds at, which
// is below the sum of all. It never returns one of probability zero.
func pick[T numerics.Float](probs []T, at float64) int {
	var sum float64
	last := 0
	for i, p := range probs {
		if p == 0 {
			continue
		}
		sum += float64(p)
		last = i
		if at < sum {
			break
		}
	}
	return last
}

func argmax[T numerics.Float](x []T) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
