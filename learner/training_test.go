package learner_test

import (
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// TestEveryAlgorithmTrainsASmallJob: with every algorithm, estimator and option
// a policy learns to pick the candidate whose features add up to most.
func TestEveryAlgorithmTrainsASmallJob(t *testing.T) {
	t.Parallel()
	var options []string
	for _, name := range grpo.Algorithms() {
		options = append(options, "algorithm: "+name)
	}
	for _, name := range grpo.EstimatorNames() {
		if name != "grpo_batch" { // which is the scale batch
			options = append(options, "advantage: {estimator: "+name+"}")
		}
	}
	options = append(options,
		"advantage: {scale: batch}",
		"advantage: {estimator: rloo, ddof: 0, singleton: formula, equal: formula}, zero_variance: keep, min_group: 1",
		"kl: {coefficient: 0.01, kind: k1, placement: reward, adaptive: {target: 0.5}}",
		"kl: {coefficient: 0.01, placement: weighted_loss, sync: {every: 3, mix: 0.6}}",
		"kl: {coefficient: 0.01, kind: k2, sync: {every: 5}}",
		"correction: {level: token}", "correction: {level: sequence, mode: mask}", "correction: {level: sequence_mean, off_policy: 0.5}",
		"old: sampling", "entropy: {coefficient: 0.01, adaptive: {target: 0.3}}", "entropy: {top_fraction: 0.5}",
		"truncated: mask, overlong: {max_length: 5, buffer: 2, factor: 0.1}",
		"algorithm: dapo, epochs: 2, minibatches: 4, accumulate: 2",
	)
	for _, kind := range []string{policy.Linear, policy.MLP} {
		for _, option := range options {
			t.Run(kind+" "+option, func(t *testing.T) {
				t.Parallel()
				s := specOf(t, option, func(s *spec.Spec) {
					if s.Policy.Kind, s.Optimizer.LearningRate = kind, 3; kind == policy.MLP {
						s.Policy.Hidden = 8
					}
					s.Optimizer.MaxGradNorm = 1
				})
				l := newLearner(t, s)
				before := greedy(t, l)
				for n := 1; n <= 15; n++ {
					step(t, l, n, played(t, l, n))
				}
				if after := greedy(t, l); after < before+0.25 {
					t.Errorf("picks %.0f %% right after training, %.0f %% before", 100*after, 100*before)
				}
			})
		}
	}
}

// candidates are the features of three candidates, and which is right.
func candidates(r *numerics.Stream) (features []float32, right int) {
	most := float32(-9)
	for c := range 3 {
		sum := float32(0)
		for range 3 {
			features = append(features, uniform(r))
			sum += features[len(features)-1]
		}
		if sum > most {
			most, right = sum, c
		}
	}
	return features, right
}

// played are the samples of 8 groups of 4 rollouts under the learner's policy,
// of which one in 16 was cut off. The reward is the share of right decisions.
func played(t *testing.T, l *learner.Learner, step int) []batch.Sample {
	t.Helper()
	p, err := checkpoint.Policy(l.State().Weights)
	if err != nil {
		t.Fatal(err)
	}
	var samples []batch.Sample
	for g := range 8 {
		for i := range 4 {
			r := numerics.NewStream(uint64(step), uint64(g))
			s := batch.Sample{Group: g, Rollout: i, Truncated: (4*g+i)%16 == 7, Choices: policy.Choices{Width: 3, Offsets: []int{0}}}
			decisions := 2 + i
			for d := range decisions {
				features, right := candidates(r)
				chosen, err := policy.Decide(p, features, uint64(100*step+10*g+i), uint32(d), false)
				if err != nil {
					t.Fatal(err)
				}
				s.Choices.Features = append(s.Choices.Features, features...)
				s.Choices.Offsets = append(s.Choices.Offsets, 3*(d+1))
				s.Choices.Chosen = append(s.Choices.Chosen, int32(chosen.Chosen))
				s.LogProbs = append(s.LogProbs, chosen.LogProb)
				if chosen.Chosen == right {
					s.Reward += 1 / float64(decisions)
				}
			}
			samples = append(samples, s)
		}
	}
	return samples
}

// greedy is the share of right decisions without chance.
func greedy(t *testing.T, l *learner.Learner) float64 {
	t.Helper()
	p, err := checkpoint.Policy(l.State().Weights)
	if err != nil {
		t.Fatal(err)
	}
	r := numerics.NewStream(77)
	found := 0.0
	for range 400 {
		features, right := candidates(r)
		chosen, err := policy.Decide(p, features, 1, 0, true)
		if err != nil {
			t.Fatal(err)
		}
		if chosen.Chosen == right {
			found++
		}
	}
	return found / 400
}
