package learner_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// TestWhatTheSpecAllowsTheLearnerDoes: no combination gets through the rules of
// the spec and is refused when the job begins, or learns something that is not
// a number.
func TestWhatTheSpecAllowsTheLearnerDoes(t *testing.T) {
	t.Parallel()
	fields := map[string][]string{
		"algorithm":     grpo.Algorithms(),
		"clip_low":      {"0", "0.2", "1"},
		"clip_high":     {"0", "0.5", "21", "1000"},
		"clip_dual":     {"1.1", "3"},
		"aggregation":   {"token_mean", "token_sum", "sequence_mean", "sequence_sum", "sequence_sum_norm", "rollout_mean"},
		"max_length":    {"1", "9"},
		"old":           {"recomputed", "sampling"},
		"kl":            {"{coefficient: 0.1}", "{coefficient: 1, kind: k1, placement: reward}", "{coefficient: 1, kind: k2, placement: weighted_loss}", "{kind: k1}", "{coefficient: 1, sync: {every: 1, mix: 0.5}, adaptive: {target: 1}}"},
		"correction":    {"{level: token}", "{level: sequence, mode: mask, min: 0.5}", "{level: sequence_mean, max: 0.5}", "{off_policy: 0.1}", "{level: token, min: 2}"},
		"entropy":       {"{coefficient: 0.1}", "{top_fraction: 0.2}", "{coefficient: 2, adaptive: {target: 1}}", "{adaptive: {target: 1}, top_fraction: 0.9999}"},
		"overlong":      {"{max_length: 3, buffer: 2}", "{max_length: 3, buffer: 4}"},
		"truncated":     {"keep", "mask"},
		"zero_variance": {"keep", "drop"},
		"min_group":     {"1", "2"},
		"minibatches":   {"1", "2", "4"},
		"accumulate":    {"1", "2"},
		"epochs":        {"1", "2"},
	}
	estimators := append(grpo.EstimatorNames(), "grpo")
	scales := []string{"group", "none", "batch", "mean", "whiten", "nonzero"}
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		var parts []string
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(sortedKeys(fields)), 0, 6, rapid.ID).Draw(t, "fields") {
			parts = append(parts, name+": "+rapid.SampledFrom(fields[name]).Draw(t, name))
		}
		if rapid.Bool().Draw(t, "advantage") {
			advantage := "estimator: " + rapid.SampledFrom(estimators).Draw(t, "estimator")
			if rapid.Bool().Draw(t, "scaled") {
				advantage += ", scale: " + rapid.SampledFrom(scales).Draw(t, "scale")
			}
			if rapid.Bool().Draw(t, "given") {
				advantage += ", epsilon: 0"
			}
			parts = append(parts, "advantage: {"+advantage+"}")
		}
		text := smallSpec + "grpo: {" + strings.Join(parts, ", ") + "}\n"
		s, err := spec.Decode("small.yaml", []byte(text))
		if err != nil {
			return
		}
		allowed++
		l, err := learner.New(s)
		if err != nil {
			t.Fatalf("%s\nis allowed, and refused: %v", text, err)
		}
		samples := sampled(3, 4, 3)
		for i := range samples {
			samples[i].Truncated = i%4 == 0
		}
		for n := 1; n <= 2; n++ {
			if _, err := l.Step(n, samples); err != nil {
				t.Fatalf("%s\n%v", text, err)
			}
		}
	})
	if allowed < 10 {
		t.Errorf("only %d specs were allowed", allowed)
	}
}
