package grpo

import (
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// Batch is what an objective is evaluated on. Every slice of tokens has
// Layout.Tokens() elements; log-probabilities are natural and of the chosen
// action.
type Batch[T numerics.Float] struct {
	Layout     Layout
	LogProb    []T    // of the policy that is trained
	Old        []T    // of the policy at the start of the step
	Reference  []T    // of the reference policy; nil without a divergence in the loss
	Sampling   []T    // of the policy that drew, NaN where it was not told; nil: Old
	Entropy    []T    // of the policy that is trained; nil without a bonus or mask
	Mask       []bool // false for what the policy did not choose; nil: it chose all
	Advantages []T    // one per rollout
}

// Gradient is the derivative of the loss, one value per token. Entropy may be
// nil when the objective has no bonus.
type Gradient[T numerics.Float] struct {
	LogProb []T
	Entropy []T
}

// Validate checks the layout, the lengths (ErrLayout), and that every input
// that o uses is finite (ErrNotFinite), naming the first that is not. It need
// be called once per batch; a LogProb that changes is checked by Evaluate
// through its loss.
func (b Batch[T]) Validate(o Objective) error {
	if err := b.Layout.Validate(); err != nil {
		return err
	}
	if o.Correction.Level != "" && b.Sampling == nil {
		return fmt.Errorf("%w: a correction needs sampling log-probabilities", ErrLayout)
	}
	n := b.Layout.Tokens()
	if b.Mask != nil && len(b.Mask) != n {
		return fmt.Errorf("%w: mask of %d for %d tokens", ErrLayout, len(b.Mask), n)
	}
	for _, f := range []struct {
		name   string
		values []T
		needed bool
		gaps   bool
	}{
		{"log-probability", b.LogProb, true, false},
		{"old log-probability", b.Old, true, false},
		{"reference log-probability", b.Reference, o.divergence(), false},
		{"sampling log-probability", b.Sampling, b.Sampling != nil, true},
		{"entropy", b.Entropy, o.entropies() || b.Entropy != nil, false},
	} {
		if !f.needed {
			continue
		}
		if len(f.values) != n {
			return fmt.Errorf("%w: %d values of %s for %d tokens", ErrLayout, len(f.values), f.name, n)
		}
		for t, v := range f.values {
			if !finite(float64(v)) && !(f.gaps && v != v) && (b.Mask == nil || b.Mask[t]) {
				return fmt.Errorf("%s of token %d is %v: %w", f.name, t, v, ErrNotFinite)
			}
		}
	}
	if len(b.Advantages) != b.Layout.Rollouts() {
		return fmt.Errorf("%w: %d advantages for %d rollouts", ErrLayout, len(b.Advantages), b.Layout.Rollouts())
	}
	for j, a := range b.Advantages {
		if !finite(float64(a)) {
			return fmt.Errorf("advantage of rollout %d is %v: %w", j, a, ErrNotFinite)
		}
	}
	return nil
}

// divergence reports whether the loss needs the reference.
func (o Objective) divergence() bool { return o.KL.Kind != KLNone && !o.KL.InReward }

// entropies reports whether the loss needs the entropies.
func (o Objective) entropies() bool { return o.Entropy != (Entropy{}) }
