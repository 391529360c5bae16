package learner_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job/spec"
)

// TestEverySettingIsHeeded: no setting of grpo and optimizer is ignored.
func TestEverySettingIsHeeded(t *testing.T) {
	t.Parallel()
	adam := func(s *spec.Spec) {
		s.Optimizer.Kind, s.Optimizer.Beta1, s.Optimizer.Beta2, s.Optimizer.Epsilon = "adam", 0.9, 0.999, 1e-8
	}
	adamw := func(s *spec.Spec) { adam(s); s.Optimizer.Kind = "adamw" }
	linear := func(s *spec.Spec) { s.Optimizer.Schedule.Kind = "linear" }
	for name, c := range map[string]struct{ base, change func(*spec.Spec) }{
		"seed":              {mlp, func(s *spec.Spec) { s.Seed++ }},
		"bnpo":              {nil, func(s *spec.Spec) { s.GRPO.Algorithm = "bnpo" }},
		"dr_grpo":           {nil, func(s *spec.Spec) { s.GRPO.Algorithm = "dr_grpo" }},
		"clip_low":          {nil, func(s *spec.Spec) { s.GRPO.ClipLow = new(0.01) }},
		"clip_high":         {nil, func(s *spec.Spec) { s.GRPO.ClipHigh = new(0.01) }},
		"kl.coefficient":    {nil, func(s *spec.Spec) { s.GRPO.KL.Coefficient = 0.5 }},
		"advantage.scale":   {nil, func(s *spec.Spec) { s.GRPO.Advantage.Scale = "none" }},
		"advantage.batch":   {nil, func(s *spec.Spec) { s.GRPO.Advantage.Scale = "batch" }},
		"advantage.epsilon": {nil, func(s *spec.Spec) { s.GRPO.Advantage.Epsilon = new(0.5) }},
		"epochs":            {nil, func(s *spec.Spec) { s.GRPO.Epochs = 3 }},
		"minibatches":       {nil, func(s *spec.Spec) { s.GRPO.Minibatches = 2 }},
		"learning_rate":     {nil, func(s *spec.Spec) { s.Optimizer.LearningRate = 0.5 }},
		"max_grad_norm":     {nil, func(s *spec.Spec) { s.Optimizer.MaxGradNorm = 0.01 }},
		"momentum":          {nil, func(s *spec.Spec) { s.Optimizer.Momentum = 0.9 }},
		"sgd weight_decay":  {nil, func(s *spec.Spec) { s.Optimizer.WeightDecay = 0.1 }},
		"warmup":            {nil, func(s *spec.Spec) { s.Optimizer.Schedule.Warmup = 5 }},
		"schedule":          {nil, linear},
		"cosine":            {linear, func(s *spec.Spec) { s.Optimizer.Schedule.Kind = "cosine" }},
		"floor":             {linear, func(s *spec.Spec) { s.Optimizer.Schedule.Floor = 0.5 }},
		"adam":              {nil, adam},
		"beta1":             {adam, func(s *spec.Spec) { s.Optimizer.Beta1 = 0.5 }},
		"beta2":             {adam, func(s *spec.Spec) { s.Optimizer.Beta2 = 0.5 }},
		"epsilon":           {adam, func(s *spec.Spec) { s.Optimizer.Epsilon = 0.5 }},
		"adam weight_decay": {adam, func(s *spec.Spec) { s.Optimizer.WeightDecay = 0.1 }},
		"adamw":             {adamw, func(s *spec.Spec) { s.Optimizer.WeightDecay = 0.1 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := specWith(t, c.base)
			base.GRPO.Epochs = 2 // in the second the ratios leave 1 and are clipped
			changed := *base
			if c.change(&changed); learnt(t, base) == learnt(t, &changed) {
				t.Error("the setting changes nothing")
			}
		})
	}
}

// learnt are the weights after two steps.
func learnt(t *testing.T, s *spec.Spec) blob.Digest {
	t.Helper()
	l := newLearner(t, s)
	for n := 1; n <= 2; n++ {
		step(t, l, n, sampled(9, 4, 3))
	}
	return l.WeightsDigest()
}
