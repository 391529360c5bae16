package learner_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// TestStepFollowsTheGradientOfTheLoss: one step of plain gradient descent with
// rate 1 is the gradient; it is compared with central differences of the loss
// as its paper writes it, at float64. The agents recorded log-probabilities
// other than the policy's, so that ratios are not 1, and some are clipped.
func TestStepFollowsTheGradientOfTheLoss(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{policy.Linear, policy.MLP} {
		for _, algorithm := range grpo.Algorithms() {
			for _, kl := range []string{
				"coefficient: 0", "coefficient: 0.5, kind: k1", "coefficient: 0.5, kind: k2", "coefficient: 0.5",
				"coefficient: 0.5, placement: weighted_loss", "coefficient: 0.5, kind: k1, placement: weighted_loss",
				"coefficient: 0.5, kind: k2, placement: reward",
			} {
				t.Run(fmt.Sprintf("%s %s kl %s", kind, algorithm, kl), func(t *testing.T) {
					t.Parallel()
					checkGradient(t, kind, fmt.Sprintf("algorithm: %s, old: sampling, kl: {%s}", algorithm, kl))
				})
			}
		}
	}
}

func TestStepFollowsTheGradientOfTheLossWithEveryOption(t *testing.T) {
	t.Parallel()
	for _, grpo := range []string{
		"algorithm: dapo, clip_low: 0.05, clip_high: 0.1, old: sampling",
		"algorithm: cispo, clip_low: 0.1, clip_high: 0.1, old: sampling",
		"algorithm: gmpo, clip_low: 0.05, clip_high: 0.05, old: sampling",
		"algorithm: sapo, tau_positive: 2, tau_negative: 0.5, old: sampling",
		"algorithm: vespo, shape_positive: 1, rate_positive: 2, shape_negative: 1, rate_negative: 1, old: sampling",
		"clip_dual: 1.3, old: sampling",
		"algorithm: dr_grpo, max_length: 7",
		"aggregation: token_mean", "aggregation: token_sum", "aggregation: sequence_sum",
		"aggregation: sequence_sum_norm", "algorithm: dapo, aggregation: rollout_mean",
		"correction: {level: token, max: 1.1}", "correction: {level: token, mode: mask, min: 0.9, max: 1.1}",
		"correction: {level: sequence, min: 0.9, max: 1.05}", "correction: {level: sequence, mode: mask, max: 1.2}",
		"correction: {level: sequence_mean, max: 1.05}", "correction: {level: sequence_mean, mode: mask, max: 1.1}",
		"algorithm: gspo, correction: {level: sequence_mean}, kl: {coefficient: 0.5}",
		"correction: {off_policy: 0.02}", "correction: {off_policy: 0.02}, old: sampling, kl: {coefficient: 0.5}",
		"entropy: {coefficient: 0.3}", "entropy: {coefficient: 0.3, top_fraction: 0.5}",
		"entropy: {top_fraction: 0.3}, kl: {coefficient: 0.5}",
		"entropy: {coefficient: 0.2, adaptive: {target: 5}}, truncated: mask, kl: {coefficient: 0.5}",
		"algorithm: dapo, truncated: mask, overlong: {max_length: 3, buffer: 2, factor: 0.7}",
	} {
		for _, kind := range []string{policy.Linear, policy.MLP} {
			t.Run(kind+" "+grpo, func(t *testing.T) {
				t.Parallel()
				checkGradient(t, kind, grpo)
			})
		}
	}
}

func checkGradient(t *testing.T, kind, grpo string) {
	t.Helper()
	s := specOf(t, grpo, func(s *spec.Spec) {
		if s.Policy.Kind = kind; kind == policy.MLP {
			mlp(s)
		}
	})
	weights, reference := randomArrays(t, s, 1), randomArrays(t, s, 2)
	before := flat(weights)
	state := &checkpoint.State{Weights: weights}
	if s.GRPO.KL.Coefficient > 0 {
		state.Reference = reference
	}
	if e := s.GRPO.Entropy; e != nil && e.Adaptive != nil {
		state.Control = &checkpoint.Control{Entropy: &checkpoint.EntropyControl{Coefficient: e.Coefficient}}
	}
	l, err := learner.Load(s, &checkpoint.Manifest{Optimizer: checkpoint.Optimizer{Kind: s.Optimizer.Kind}}, state)
	if err != nil {
		t.Fatal(err)
	}
	samples := sampled(3, 3, s.Policy.Features)
	loss := newLoss(t, s, samples, flat(reference))
	r := numerics.NewStream(5)
	for i, exact := range loss.evaluate(widen(before)) {
		samples[i].Truncated = i%4 == 1
		for d := range exact {
			samples[i].LogProbs[d] = float32(exact[d].logProb + 0.3*float64(uniform(r)))
		}
	}
	loss.begin(widen(before))
	after := step(t, l, 1, samples)
	const h = 1e-5
	for i := range before {
		x := widen(before)
		x[i] += h
		up := loss.at(x)
		x[i] -= 2 * h
		want := (up - loss.at(x)) / (2 * h)
		if got := float64(before[i]) - float64(after[i]); math.Abs(got-want) > 3e-6+1e-5*math.Abs(want) {
			t.Errorf("weight %d: gradient %v, central difference %v", i, got, want)
		}
	}
}

func widen(x []float32) []float64 {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return wide
}
