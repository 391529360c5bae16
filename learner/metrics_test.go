package learner_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job/spec"
)

// TestMetricsOfAStep: names are TRL's where it has one; docs/grpo.md lists them.
func TestMetricsOfAStep(t *testing.T) {
	t.Parallel()
	const always = "completions/clipped_ratio completions/max_length completions/max_terminated_length completions/mean_length " +
		"completions/mean_terminated_length completions/min_length completions/min_terminated_length entropy entropy/kept_ratio " +
		"grad_norm learning_rate loss num_loss_tokens num_tokens policy/old_kl policy_loss rewards/reward/mean rewards/reward/std "
	const ratio = "policy/ratio_mean "
	const clip = ratio + "clip_ratio/high_max clip_ratio/high_mean clip_ratio/low_mean clip_ratio/low_min clip_ratio/region_mean clip_ratio/token_mean "
	const sampling = "sampling/effective_sample_size sampling/importance_sampling_ratio/max sampling/importance_sampling_ratio/mean " +
		"sampling/importance_sampling_ratio/min sampling/importance_sampling_ratio/raw_token_mean sampling/importance_sampling_ratio/token_mean " +
		"sampling/masked_ratio sampling/sampling_logp_difference/max sampling/sampling_logp_difference/mean "
	for grpo, want := range map[string]string{
		"":                            always + clip + sampling,
		"old: sampling, clip_dual: 3": always + clip + "clip_ratio/dual_mean",
		"algorithm: cispo":            always + ratio + sampling + "cispo_clip_ratio clip_ratio/outside_mean",
		"algorithm: vespo":            always + sampling + "vespo/phi_seq_mean",
		"algorithm: sapo":             always + ratio + sampling,
		"kl: {coefficient: 0.1}":      always + clip + sampling + "kl kl_coef",
		"kl: {coefficient: 0.1, placement: reward}, correction: {off_policy: 1}": always + clip + sampling +
			"kl kl_coef rewards/kl_penalty/mean rewards/kl_penalty/std sampling/off_policy_dropped_ratio",
		"entropy: {coefficient: 0.1}, overlong: {max_length: 3, buffer: 2}": always + clip + sampling +
			"entropy_coef rewards/overlong_penalty/mean rewards/overlong_penalty/std",
	} {
		t.Run(grpo, func(t *testing.T) {
			t.Parallel()
			metrics, err := newLearner(t, specOf(t, grpo, nil)).Step(1, sampled(2, 4, 3))
			got := metricsOf(t, metrics, err)
			if names := strings.Fields(want); !slices.Equal(sortedKeys(got), slices.Sorted(slices.Values(names))) {
				t.Errorf("metrics %q, want %q", sortedKeys(got), slices.Sorted(slices.Values(names)))
			}
		})
	}
}

func TestMetricsAreThoseOfTheBatch(t *testing.T) {
	t.Parallel()
	samples := sampled(2, 4, 3)
	samples[2].Truncated = true
	reward, decisions := 0.0, 0.0
	for i := range samples {
		reward += samples[i].Reward / 12
		decisions += float64(len(samples[i].LogProbs))
		for d := range samples[i].LogProbs { // half as probable as the policy says, which chooses uniformly
			candidates := samples[i].Choices.Offsets[d+1] - samples[i].Choices.Offsets[d]
			samples[i].LogProbs[d] = float32(-math.Log(2 * float64(candidates)))
		}
	}
	for _, grpo := range []string{"entropy: {coefficient: 0.5}", "entropy: {coefficient: 0.5}, epochs: 3"} {
		l := newLearner(t, specOf(t, grpo, func(s *spec.Spec) { s.Optimizer.LearningRate = 1e-6 }))
		metrics, err := l.Step(1, samples)
		got := metricsOf(t, metrics, err)
		for name, want := range map[string]float64{
			"rewards/reward/mean":                               reward,
			"num_tokens":                                        decisions,
			"completions/mean_length":                           decisions / 12,
			"completions/clipped_ratio":                         1.0 / 12,
			"policy/ratio_mean":                                 1,
			"sampling/importance_sampling_ratio/mean":           1, // there is no correction
			"sampling/importance_sampling_ratio/raw_token_mean": 2,
			"sampling/sampling_logp_difference/mean":            math.Log(2),
			"sampling/effective_sample_size":                    1,
			"policy_loss":                                       0, // advantages add up to nothing
			"loss":                                              -0.5 * got["entropy"],
			"learning_rate":                                     1e-6,
		} {
			if math.Abs(got[name]-want) > 1e-5 {
				t.Errorf("%s: %s is %v, want %v", grpo, name, got[name], want)
			}
		}
	}
}
