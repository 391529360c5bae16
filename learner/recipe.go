package learner

import (
	"fmt"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// recipe is the mathematics that a spec asks for.
type recipe struct {
	objective grpo.Objective
	estimator grpo.Estimator
	schedule  optimize.Schedule
}

func recipeOf(s *spec.Spec) (recipe, error) {
	o, err := grpo.Algorithm(s.GRPO.Algorithm)
	if err != nil {
		return recipe{}, fmt.Errorf("grpo.algorithm: %w", err)
	}
	o.Clip.Low, o.Clip.High = s.GRPO.ClipLow, s.GRPO.ClipHigh
	if s.GRPO.KL.Coefficient > 0 {
		o.KL = grpo.KL{Kind: grpo.K3, Coefficient: s.GRPO.KL.Coefficient}
	}
	if err := o.Validate(); err != nil {
		return recipe{}, fmt.Errorf("grpo: %w", err)
	}
	e, err := grpo.NamedEstimator(map[string]string{"group": "grpo", "batch": "grpo_batch", "none": "dr_grpo"}[s.GRPO.Advantage.Scale])
	if err != nil {
		return recipe{}, fmt.Errorf("grpo.advantage.scale: %w", err)
	}
	if e.Scale != grpo.ScaleNone {
		e.Epsilon = s.GRPO.Advantage.Epsilon
	}
	schedule := optimize.Schedule{
		Shape: s.Optimizer.Schedule.Kind, Peak: s.Optimizer.LearningRate,
		Floor: s.Optimizer.Schedule.Floor, Warmup: s.Optimizer.Schedule.Warmup, Total: s.Steps,
	}
	if err := schedule.Validate(); err != nil {
		return recipe{}, fmt.Errorf("optimizer.schedule: %w", err)
	}
	return recipe{objective: o, estimator: e, schedule: schedule}, nil
}

// optimizerOf passes every setting on: those that the kind does not use are
// zero in a decoded spec.
func optimizerOf(s *spec.Spec) optimize.Config {
	o := s.Optimizer
	return optimize.Config{
		Kind: o.Kind, Momentum: o.Momentum, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay,
	}
}
