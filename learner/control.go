package learner

import (
	"fmt"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// The bounds of an adaptive coefficient of the divergence: the upper one is that
// of the spec, and from the lower one it comes back within 100 steps.
const (
	leastCoefficient = 1e-6
	mostCoefficient  = 1000
)

// control is what adapts from step to step.
type control struct {
	kl      float64 // coefficient of the divergence
	entropy grpo.AdaptiveEntropy
}

// newControl is the control of the first step.
func newControl(g *spec.GRPO) control {
	c := control{kl: g.KL.Coefficient}
	if e := g.Entropy; e != nil && e.Adaptive != nil {
		a := e.Adaptive
		c.entropy = grpo.AdaptiveEntropy{Target: a.Target, Delta: a.Delta, Min: a.Min, Max: a.Max, Coefficient: e.Coefficient}
	}
	return c
}

// adaptsEntropy reports whether the coefficient of the bonus adapts.
func adaptsEntropy(g *spec.GRPO) bool { return g.Entropy != nil && g.Entropy.Adaptive != nil }

// stored is what a checkpoint holds of the control; nil where nothing adapts.
func (c control) stored(g *spec.GRPO) *checkpoint.Control {
	var s checkpoint.Control
	if g.KL.Adaptive != nil {
		s.KL = &checkpoint.KLControl{Coefficient: c.kl}
	}
	if adaptsEntropy(g) {
		s.Entropy = &checkpoint.EntropyControl{Coefficient: c.entropy.Coefficient, Last: c.entropy.Last}
	}
	if s == (checkpoint.Control{}) {
		return nil
	}
	return &s
}

// load continues with what a checkpoint holds.
func (c *control) load(g *spec.GRPO, s *checkpoint.Control) error {
	if s == nil {
		s = new(checkpoint.Control)
	}
	if (s.KL != nil) != (g.KL.Adaptive != nil) {
		return fmt.Errorf("%w: the coefficient of grpo.kl.adaptive is missing or too much", ErrMismatch)
	}
	if (s.Entropy != nil) != adaptsEntropy(g) {
		return fmt.Errorf("%w: the coefficient of grpo.entropy.adaptive is missing or too much", ErrMismatch)
	}
	if s.KL != nil {
		if c.kl = s.KL.Coefficient; !(c.kl >= leastCoefficient && c.kl <= mostCoefficient) {
			return fmt.Errorf("%w: coefficient %v of grpo.kl.adaptive", ErrMismatch, c.kl)
		}
	}
	if s.Entropy != nil {
		c.entropy.Coefficient, c.entropy.Last = s.Entropy.Coefficient, s.Entropy.Last
		if !(c.entropy.Coefficient >= c.entropy.Min && c.entropy.Coefficient <= c.entropy.Max) {
			return fmt.Errorf("%w: coefficient %v of grpo.entropy.adaptive", ErrMismatch, c.entropy.Coefficient)
		}
	}
	return nil
}

// objective is that of the next step.
func (l *Learner) objective() grpo.Objective {
	o := l.recipe.objective
	if o.KL.Kind != grpo.KLNone {
		o.KL.Coefficient = l.control.kl
	}
	if adaptsEntropy(&l.spec.GRPO) {
		o.Entropy.Coefficient = l.control.entropy.Applied()
	}
	return o
}

// adapt moves the coefficients after a step of some rollouts, in which
// divergence and entropy were observed.
func (l *Learner) adapt(rollouts int, divergence, entropy float64) {
	if a := l.spec.GRPO.KL.Adaptive; a != nil {
		adaptive := grpo.AdaptiveKL{Target: a.Target, Rate: min(1, float64(rollouts)/a.Horizon)}
		l.control.kl = min(max(adaptive.Next(l.control.kl, divergence), leastCoefficient), mostCoefficient)
	}
	if adaptsEntropy(&l.spec.GRPO) {
		l.control.entropy = l.control.entropy.Next(entropy)
	}
}

// follow moves the reference after step n where it is due.
func (l *Learner) follow(n int) {
	if l.reference != nil && l.recipe.sync.Due(n) {
		l.recipe.sync.MixTo(l.reference.Weights().Flat, l.policy.Weights().Flat)
	}
}
