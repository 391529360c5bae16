package learner

import (
	"fmt"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// recipe is the mathematics that a spec asks for. Coefficients that adapt are
// those of the first step.
type recipe struct {
	objective grpo.Objective
	estimator grpo.Estimator
	schedule  optimize.Schedule
	sync      grpo.ReferenceSync
}

func recipeOf(s *spec.Spec) (recipe, error) {
	o, err := objectiveOf(&s.GRPO)
	if err != nil {
		return recipe{}, err
	}
	e, err := s.GRPO.Advantage.AsEstimator()
	if err != nil {
		return recipe{}, err
	}
	schedule := optimize.Schedule{
		Shape: s.Optimizer.Schedule.Kind, Peak: s.Optimizer.LearningRate,
		Floor: s.Optimizer.Schedule.Floor, Warmup: s.Optimizer.Schedule.Warmup, Total: s.Steps,
	}
	if err := schedule.Validate(); err != nil {
		return recipe{}, fmt.Errorf("optimizer.schedule: %w", err)
	}
	r := recipe{objective: o, estimator: e, schedule: schedule}
	if sync := s.GRPO.KL.Sync; sync != nil {
		r.sync = grpo.ReferenceSync{Every: sync.Every, Mix: sync.Mix}
	}
	return r, nil
}

func objectiveOf(g *spec.GRPO) (grpo.Objective, error) {
	o, err := grpo.Algorithm(g.Algorithm)
	if err != nil {
		return o, fmt.Errorf("grpo.algorithm: %w", err)
	}
	o.Clip = clipOf(o.Clip, g)
	if g.Aggregation != "" {
		o.Aggregation.Kind = grpo.AggregationKind(g.Aggregation)
	}
	o.Aggregation.CountEmpty = g.Truncated == "mask"
	if kl := g.KL; kl.Coefficient > 0 {
		o.KL = grpo.KL{
			Kind: grpo.KLKind(kl.Kind), Coefficient: kl.Coefficient,
			Weighted: kl.Placement == "weighted_loss", InReward: kl.Placement == "reward",
		}
	}
	if c := g.Correction; c != nil {
		o.Correction.OffPolicy = c.OffPolicy
		if c.Level != "" {
			o.Correction.Level, o.Correction.Mode = grpo.CorrectionLevel(c.Level), grpo.CorrectionMode(c.Mode)
			o.Correction.Min, o.Correction.Max = c.Min, c.Max
		}
	}
	if e := g.Entropy; e != nil {
		o.Entropy = grpo.Entropy{Coefficient: e.Coefficient, TopFraction: e.TopFraction}
	}
	if err := o.Validate(); err != nil {
		return o, fmt.Errorf("grpo: %w", err)
	}
	return o, nil
}

// clipOf is the clip of a row of the table with the spec's numbers.
func clipOf(row grpo.Clip, g *spec.GRPO) grpo.Clip {
	switch row.Kind {
	case grpo.ClipRatio:
		row.Dual = g.ClipDual
		if g.ClipLow != nil {
			row.Low = *g.ClipLow
		}
		if g.ClipHigh != nil {
			row.High = *g.ClipHigh
		}
	case grpo.ClipWeight:
		if g.ClipLow != nil && g.ClipHigh != nil {
			row.Positive = grpo.Bounds{Lower: 1 - *g.ClipLow, Upper: 1 + *g.ClipHigh}
			row.Negative = row.Positive
		}
	case grpo.ClipSoft:
		row.TauPositive, row.TauNegative = g.TauPositive, g.TauNegative
	case grpo.ClipGamma:
		row.GammaPositive = grpo.Gamma{Shape: g.ShapePositive, Rate: g.RatePositive}
		row.GammaNegative = grpo.Gamma{Shape: g.ShapeNegative, Rate: g.RateNegative}
	}
	return row
}

// optimizerOf passes every setting on: those that the kind does not use are
// zero in a decoded spec.
func optimizerOf(s *spec.Spec) optimize.Config {
	o := s.Optimizer
	return optimize.Config{
		Kind: o.Kind, Momentum: o.Momentum, Beta1: o.Beta1, Beta2: o.Beta2, Epsilon: o.Epsilon, WeightDecay: o.WeightDecay,
	}
}
