package grpo

import (
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// KLKind is an estimator of the divergence from the reference policy.
type KLKind string

// The estimators, with x = logpi_ref - logpi (J. Schulman, Approximating KL
// divergence, 2020).
const (
	KLNone KLKind = ""
	K1     KLKind = "k1" // -x
	K2     KLKind = "k2" // x^2/2
	K3     KLKind = "k3" // e^x - x - 1
)

// KL holds the policy near a reference. In the loss, the term is added after
// masks, corrections and the entropy mask, so that they do not lift it.
type KL struct {
	Kind        KLKind
	Coefficient float64
	// Weighted multiplies the term with the ratio, so that its gradient is
	// unbiased when the samples are the old policy's (TRL's bias correction).
	Weighted bool
	// InReward takes Coefficient times the sum over the rollout from its reward
	// (RewardKLTo) in place of a term in the loss.
	InReward bool
	// XMax bounds |x|, and Max the estimate from above; 0 for none. Where they
	// hold it, the gradient is 0. verl uses 20 and 10 with k3.
	XMax, Max float64
}

// to writes the estimate to value, and its derivative by logpi to slope, which
// holds x.
func (k KL) to(value, slope []float64) {
	value = value[:len(slope)]
	if k.XMax > 0 || k.Max > 0 {
		for i, x := range slope {
			value[i], slope[i] = k.at(x)
		}
		return
	}
	switch k.Kind {
	case K1:
		for i, x := range slope {
			value[i], slope[i] = -x, 1
		}
	case K2:
		for i, x := range slope {
			value[i], slope[i] = float64(0.5*float64(x*x)), -x
		}
	case K3:
		numerics.ExpTo(value, slope)
		for i, x := range slope {
			e := value[i]
			value[i], slope[i] = e-x-1, 1-e
		}
	case KLNone:
	}
}

// at returns the estimate and its derivative by logpi.
func (k KL) at(x float64) (value, slope float64) {
	on := 1.0
	if k.XMax > 0 && (x > k.XMax || x < -k.XMax) {
		x, on = min(max(x, -k.XMax), k.XMax), 0
	}
	switch k.Kind {
	case K1:
		value, slope = -x, 1
	case K2:
		value, slope = float64(0.5*float64(x*x)), -x
	case K3:
		e := numerics.Exp(x)
		value, slope = e-x-1, 1-e
	case KLNone:
	}
	if k.Max > 0 && value > k.Max {
		return k.Max, 0
	}
	return value, float64(slope * on)
}

// DivergenceTo writes the estimate for every token to dst, 0 where the mask is
// false.
func DivergenceTo[T numerics.Float](dst []T, k KL, logProb, reference []T, mask []bool) error {
	if err := k.validate(); err != nil {
		return err
	}
	n := len(dst)
	if len(logProb) != n || len(reference) != n || (mask != nil && len(mask) != n) {
		return fmt.Errorf("%w: divergence of %d tokens", ErrLayout, n)
	}
	for t := range dst {
		dst[t] = 0
		if mask == nil || mask[t] {
			value, _ := k.at(float64(reference[t]) - float64(logProb[t]))
			dst[t] = T(value)
		}
	}
	return nil
}

// RewardKLTo takes the divergence from the rewards: it writes to dst, one per
// rollout, Coefficient times the sum of the estimates over its tokens, with a
// minus. The learner adds it to a rollout's reward as one more function of
// weight 1. The policy is the one that drew the samples; no gradient flows.
func RewardKLTo[T numerics.Float](dst []float64, k KL, l Layout, old, reference []T, mask []bool) error {
	if err := k.validate(); err != nil {
		return err
	}
	n := l.Tokens()
	if len(dst) != l.Rollouts() || len(old) != n || len(reference) != n || (mask != nil && len(mask) != n) {
		return fmt.Errorf("%w: divergence of %d rollouts", ErrLayout, len(dst))
	}
	for j := range dst {
		sum := 0.0
		first, last := l.RowsOf(j)
		for t := l.RowOffsets[first]; t < l.RowOffsets[last]; t++ {
			if mask == nil || mask[t] {
				value, _ := k.at(float64(reference[t]) - float64(old[t]))
				sum += value
			}
		}
		dst[j] = -float64(k.Coefficient * sum)
	}
	return nil
}

// AdaptiveKL moves the coefficient so that the divergence nears Target (Ziegler
// et al. 2019, section 2.2): one step changes it by at most a fifth of Rate.
type AdaptiveKL struct {
	Target float64 // divergence per token
	Rate   float64 // samples of a step / horizon
}

// Next returns the coefficient after a step whose mean divergence was observed.
func (a AdaptiveKL) Next(coefficient, observed float64) float64 {
	err := min(max(observed/a.Target-1, -0.2), 0.2)
	return float64(coefficient * (1 + float64(err*a.Rate)))
}
