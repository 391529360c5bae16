package learner_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/policy"
)

// TestStepFollowsTheGradientOfTheLoss: one step of plain gradient descent with
// rate 1 is the gradient; it is compared with central differences of the loss
// as its papers write it, at float64.
func TestStepFollowsTheGradientOfTheLoss(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{policy.Linear, policy.MLP} {
		for _, algorithm := range []string{"grpo", "dapo", "bnpo", "dr_grpo"} {
			for _, kl := range []float64{0, 0.5} {
				t.Run(fmt.Sprintf("%s %s kl %g", kind, algorithm, kl), func(t *testing.T) {
					t.Parallel()
					checkGradient(t, specWith(t, func(s *spec.Spec) {
						if s.Policy.Kind = kind; kind == policy.MLP {
							mlp(s)
						}
						s.GRPO.Algorithm, s.GRPO.KL.Coefficient = algorithm, kl
					}))
				})
			}
		}
	}
}

func checkGradient(t *testing.T, s *spec.Spec) {
	t.Helper()
	weights, reference := randomArrays(t, s, 1), randomArrays(t, s, 2)
	before := flat(weights)
	state := &checkpoint.State{Weights: weights}
	if s.GRPO.KL.Coefficient > 0 {
		state.Reference = reference
	}
	l, err := learner.Load(s, &checkpoint.Manifest{Optimizer: checkpoint.Optimizer{Kind: s.Optimizer.Kind}}, state)
	if err != nil {
		t.Fatal(err)
	}
	samples := sampled(3, 3, s.Policy.Features)
	after := step(t, l, 1, samples)
	loss := newLoss(t, s, samples, before, flat(reference))
	const h = 1e-4
	for i := range before {
		x := widen(before)
		x[i] += h
		up := loss.at(x)
		x[i] -= 2 * h
		want := (up - loss.at(x)) / (2 * h)
		if got := float64(before[i]) - float64(after[i]); math.Abs(got-want) > 2e-6+1e-5*math.Abs(want) {
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

// lossOf is the clipped objective with a k3 penalty, over samples.
type lossOf struct {
	t              *testing.T
	spec           *spec.Spec
	policy         policy.Of[float64]
	samples        []batch.Sample
	advantages     []float64
	old, reference [][]float64
}

func newLoss(t *testing.T, s *spec.Spec, samples []batch.Sample, old, reference []float32) *lossOf {
	t.Helper()
	p, err := policy.NewOf[float64](policy.Shape{Kind: s.Policy.Kind, Features: s.Policy.Features, Hidden: s.Policy.Hidden}, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := &lossOf{t: t, spec: s, policy: p, samples: samples}
	l.old, l.reference = l.logProbs(widen(old)), l.logProbs(widen(reference))
	for first := 0; first < len(samples); first += 3 {
		l.advantages = append(l.advantages, advantages(samples[first:first+3], s.GRPO.Advantage.Epsilon)...)
	}
	return l
}

// advantages are (r - mean) / (sample standard deviation + epsilon).
func advantages(group []batch.Sample, epsilon float64) []float64 {
	n := float64(len(group))
	var mean, squares float64
	for _, s := range group {
		mean += s.Reward / n
	}
	for _, s := range group {
		squares += (s.Reward - mean) * (s.Reward - mean)
	}
	values := make([]float64, len(group))
	for i, s := range group {
		values[i] = (s.Reward - mean) / (math.Sqrt(squares/(n-1)) + epsilon)
	}
	return values
}

// logProbs are those of each sample's choices under some weights.
func (l *lossOf) logProbs(weights []float64) [][]float64 {
	copy(l.policy.Weights().Flat, weights)
	all := make([][]float64, len(l.samples))
	for i, s := range l.samples {
		c := policy.ChoicesOf[float64]{Width: s.Choices.Width, Features: widen(s.Choices.Features), Offsets: s.Choices.Offsets, Chosen: s.Choices.Chosen}
		var a policy.ActivationsOf[float64]
		l.policy.Forward(&a, c)
		all[i] = append(all[i], a.LogProb...)
	}
	return all
}

// at is the loss under some weights: grpo takes the mean over rollouts of the
// mean over decisions, dapo and bnpo the mean over all decisions, dr_grpo divides
// by rollouts and the length of the longest.
func (l *lossOf) at(weights []float64) float64 {
	var tokens, sum, means, longest float64
	for i, now := range l.logProbs(weights) {
		row := 0.0
		for d := range now {
			row += l.token(i, d, now[d])
		}
		sum, tokens = sum+row, tokens+float64(len(now))
		means += row / float64(len(now))
		longest = max(longest, float64(len(now)))
	}
	switch l.spec.GRPO.Algorithm {
	case "grpo":
		return means / float64(len(l.samples))
	case "dr_grpo":
		return sum / (float64(len(l.samples)) * longest)
	}
	return sum / tokens
}

func (l *lossOf) token(i, d int, now float64) float64 {
	exp := math.Exp
	ratio, a, g := exp(now-l.old[i][d]), l.advantages[i], l.spec.GRPO
	loss := -min(ratio*a, min(max(ratio, 1-g.ClipLow), 1+g.ClipHigh)*a)
	if g.KL.Coefficient > 0 {
		x := l.reference[i][d] - now
		loss += g.KL.Coefficient * (exp(x) - x - 1)
	}
	return loss
}
