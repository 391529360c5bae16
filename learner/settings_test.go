package learner_test

import (
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job/spec"
)

// TestEverySettingOfTheOptimizerIsHeeded: none is ignored.
func TestEverySettingOfTheOptimizerIsHeeded(t *testing.T) {
	t.Parallel()
	adam := func(s *spec.Spec) {
		s.Optimizer.Kind, s.Optimizer.Beta1, s.Optimizer.Beta2, s.Optimizer.Epsilon = "adam", 0.9, 0.999, 1e-8
	}
	adamw := func(s *spec.Spec) { adam(s); s.Optimizer.Kind = "adamw" }
	linear := func(s *spec.Spec) { s.Optimizer.Schedule.Kind = "linear" }
	for name, c := range map[string]struct{ base, change func(*spec.Spec) }{
		"seed":              {mlp, func(s *spec.Spec) { s.Seed++ }},
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
			base := specOf(t, "epochs: 2", c.base)
			changed := *base
			if c.change(&changed); learnt(t, base) == learnt(t, &changed) {
				t.Error("the setting changes nothing")
			}
		})
	}
}

// TestEverySettingOfTheMathematicsIsHeeded: none is ignored. In the second epoch
// the ratios leave 1 and are clipped.
func TestEverySettingOfTheMathematicsIsHeeded(t *testing.T) {
	t.Parallel()
	const (
		kl      = "kl: {coefficient: 0.5}"
		reward  = "kl: {coefficient: 0.5, placement: reward}"
		token   = "correction: {level: token, max: 1.2}"
		entropy = "entropy: {coefficient: 0.1, adaptive: {target: 2}}"
		keep    = "zero_variance: keep"
	)
	for _, c := range []struct{ base, change string }{
		{"", "algorithm: bnpo"},
		{"", "algorithm: dr_grpo"},
		{"", "clip_low: 0.01"},
		{"", "clip_high: 0.01"},
		{"old: sampling", "old: sampling, clip_dual: 1.25"},
		{"algorithm: cispo", "algorithm: cispo, clip_low: 0.01"},
		{"algorithm: cispo", "algorithm: cispo, clip_high: 0.01"},
		{"algorithm: sapo", "algorithm: sapo, tau_positive: 2"},
		{"algorithm: sapo", "algorithm: sapo, tau_negative: 2"},
		{"algorithm: vespo", "algorithm: vespo, shape_positive: 1"},
		{"algorithm: vespo", "algorithm: vespo, shape_negative: 1"},
		{"algorithm: vespo", "algorithm: vespo, rate_positive: 1"},
		{"algorithm: vespo", "algorithm: vespo, rate_negative: 1"},
		{"", "aggregation: token_mean"},
		{"algorithm: dr_grpo", "algorithm: dr_grpo, max_length: 9"},
		{"", "old: sampling"},
		{"", kl},
		{kl, "kl: {coefficient: 0.5, kind: k1}"},
		{kl, "kl: {coefficient: 0.5, kind: k2}"},
		{kl, "kl: {coefficient: 0.5, placement: weighted_loss}"},
		{kl, reward},
		{kl, "kl: {coefficient: 0.5, adaptive: {target: 0.01, horizon: 100}}"},
		{"kl: {coefficient: 0.5, adaptive: {target: 0.01, horizon: 100}}", "kl: {coefficient: 0.5, adaptive: {target: 9, horizon: 100}}"},
		{"kl: {coefficient: 0.5, adaptive: {target: 0.01, horizon: 100}}", "kl: {coefficient: 0.5, adaptive: {target: 0.01, horizon: 20}}"},
		{reward, "kl: {coefficient: 0.5, placement: reward, adaptive: {target: 0.01, horizon: 100}}"},
		{kl, "kl: {coefficient: 0.5, sync: {every: 1}}"},
		{"kl: {coefficient: 0.5, sync: {every: 1}}", "kl: {coefficient: 0.5, sync: {every: 1, mix: 0.5}}"},
		{"kl: {coefficient: 0.5, sync: {every: 1}}", "kl: {coefficient: 0.5, sync: {every: 2}}"},
		{"", token},
		{token, "correction: {level: token, max: 1.1}"},
		{token, "correction: {level: token, max: 1.2, min: 0.9}"},
		{token, "correction: {level: token, max: 1.2, mode: mask}"},
		{token, "correction: {level: sequence, max: 1.2}"},
		{token, "correction: {level: sequence_mean, max: 1.2}"},
		{"", "correction: {off_policy: 0.01}"},
		{"", "entropy: {coefficient: 0.1}"},
		{"", "entropy: {top_fraction: 0.5}"},
		{"entropy: {coefficient: 0.1}", entropy},
		{entropy, "entropy: {coefficient: 0.1, adaptive: {target: 0}}"},
		{entropy, "entropy: {coefficient: 0.1, adaptive: {target: 2, delta: 0.01}}"},
		{entropy, "entropy: {coefficient: 0.1, adaptive: {target: 2, max: 0.1}}"},
		{"entropy: {coefficient: 0.1, adaptive: {target: 0}}", "entropy: {coefficient: 0.1, adaptive: {target: 0, min: 0.1}}"},
		{"", "advantage: {scale: none}"},
		{"", "advantage: {scale: batch}"},
		{"", "advantage: {epsilon: 0.5}"},
		{"", "advantage: {ddof: 0}"},
		{"", "advantage: {estimator: dr_grpo}"},
		{"advantage: {estimator: dr_grpo}", "advantage: {estimator: rloo}"},
		{"advantage: {estimator: dr_grpo}", "advantage: {estimator: reinforce_pp_baseline}"},
		{"advantage: {estimator: dr_grpo}", "advantage: {estimator: opo}"},
		{"advantage: {estimator: dr_grpo}", "advantage: {estimator: pass_at_k}"},
		{"advantage: {estimator: dr_grpo}", "advantage: {estimator: maxrl}"},
		{"", "advantage: {estimator: gdpo}"},
		{keep, keep + ", min_group: 1, advantage: {singleton: formula}"},
		{keep + ", advantage: {estimator: reinforce_pp_baseline}", keep + ", advantage: {estimator: reinforce_pp_baseline, equal: formula}"},
		{"", "overlong: {max_length: 3, buffer: 2}"},
		{"overlong: {max_length: 3, buffer: 2}", "overlong: {max_length: 4, buffer: 2}"},
		{"overlong: {max_length: 3, buffer: 2}", "overlong: {max_length: 3, buffer: 1}"},
		{"overlong: {max_length: 3, buffer: 2}", "overlong: {max_length: 3, buffer: 2, factor: 0.5}"},
		{"", "truncated: mask"},
		{"", "epochs: 3"},
		{"", "minibatches: 2"},
		{"minibatches: 2", "minibatches: 2, accumulate: 2"},
	} {
		t.Run(c.base+" to "+c.change, func(t *testing.T) {
			t.Parallel()
			if learnt(t, twice(t, c.base)) == learnt(t, twice(t, c.change)) {
				t.Error("the setting changes nothing")
			}
		})
	}
}

// twice is a spec with two epochs, unless it says how many.
func twice(t *testing.T, grpo string) *spec.Spec {
	t.Helper()
	return specOf(t, grpo, func(s *spec.Spec) {
		if s.GRPO.Epochs == 1 {
			s.GRPO.Epochs = 2
		}
	})
}

// learnt is the checkpoint after four steps: weights, reference, what adapts. One
// group has a single rollout, one has equal rewards, some were cut off, and the
// agents recorded other log-probabilities than the policy's.
func learnt(t *testing.T, s *spec.Spec) blob.Digest {
	t.Helper()
	l := newLearner(t, s)
	for n := 1; n <= 4; n++ {
		samples := sampled(9, 5, 3)
		for i := range samples {
			samples[i].Truncated = i%5 == 0
			for d := range samples[i].LogProbs {
				samples[i].LogProbs[d] = -0.6 - 0.1*float32((i+d)%9)
			}
		}
		samples[3].Reward, samples[4].Reward, samples[5].Reward = 0.5, 0.5, 0.5
		step(t, l, n, slices.Delete(samples, 1, 3))
	}
	return stored(t.Context(), t, l, s, mem.New()).Manifest
}
