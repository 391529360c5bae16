package grpo

import (
	"fmt"
	"math"
)

// Rewards holds one value per rollout and reward function: that of rollout j
// and function k is Values[j*Functions+k]. A value whose Valid flag is false
// was not given: it is no zero. A rollout without any valid value has no reward
// and is no sample: it enters no mean, and its advantage is 0.
type Rewards struct {
	Values    []float64
	Valid     []bool    // nil: all are valid
	Functions int       // 0 counts as 1
	Weights   []float64 // by function; nil: all 1
	Names     []string  // by function, for errors and metrics; nil: numbers
}

func (r Rewards) functions() int { return max(1, r.Functions) }

func (r Rewards) valid(j, k int) bool { return r.Valid == nil || r.Valid[j*r.functions()+k] }

func (r Rewards) value(j, k int) float64 { return r.Values[j*r.functions()+k] }

func (r Rewards) weight(k int) float64 {
	if r.Weights == nil {
		return 1
	}
	return r.Weights[k]
}

func (r Rewards) name(k int) string {
	if r.Names == nil {
		return fmt.Sprintf("%d", k)
	}
	return r.Names[k]
}

// Scored reports whether rollout j has a reward.
func (r Rewards) Scored(j int) bool {
	for k := range r.functions() {
		if r.valid(j, k) {
			return true
		}
	}
	return false
}

// Sum returns the weighted sum of the valid values of rollout j.
func (r Rewards) Sum(j int) float64 {
	sum := 0.0
	for k := range r.functions() {
		if r.valid(j, k) {
			sum += float64(r.weight(k) * r.value(j, k))
		}
	}
	return sum
}

// Validate checks the lengths (ErrLayout) and that each valid value and each
// weight is finite (ErrNotFinite), naming the first that is not.
func (r Rewards) Validate(rollouts int) error {
	k := r.functions()
	switch {
	case len(r.Values) != rollouts*k:
		return fmt.Errorf("%w: %d reward values, want %d rollouts x %d functions", ErrLayout, len(r.Values), rollouts, k)
	case r.Valid != nil && len(r.Valid) != len(r.Values):
		return fmt.Errorf("%w: %d flags for %d reward values", ErrLayout, len(r.Valid), len(r.Values))
	case r.Weights != nil && len(r.Weights) != k:
		return fmt.Errorf("%w: %d weights for %d reward functions", ErrLayout, len(r.Weights), k)
	case r.Names != nil && len(r.Names) != k:
		return fmt.Errorf("%w: %d names for %d reward functions", ErrLayout, len(r.Names), k)
	}
	for f, w := range r.Weights {
		if !finite(w) {
			return fmt.Errorf("weight of reward %s is %v: %w", r.name(f), w, ErrNotFinite)
		}
	}
	for i, v := range r.Values {
		if r.valid(i/k, i%k) && !finite(v) {
			return fmt.Errorf("reward %s of rollout %d is %v: %w", r.name(i%k), i/k, v, ErrNotFinite)
		}
	}
	return nil
}

func finite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }
