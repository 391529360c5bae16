package learner_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

const smallSpec = `
name: small
steps: 10
policy: {kind: linear, features: 3}
agent: {url: "http://127.0.0.1:1/rollouts"}
tasks: {data: train.jsonl, groups: 4, rollouts: 3}
optimizer: {kind: sgd, learning_rate: 1, max_grad_norm: 0}
`

// specWith is smallSpec after change.
func specWith(tb testing.TB, change func(s *spec.Spec)) *spec.Spec {
	tb.Helper()
	return specOf(tb, "", change)
}

// specOf is smallSpec with the fields of a section grpo, and after change.
func specOf(tb testing.TB, grpo string, change func(s *spec.Spec)) *spec.Spec {
	tb.Helper()
	s, err := spec.Decode("small.yaml", []byte(smallSpec+"grpo: {"+grpo+"}\n"))
	if err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	return s
}

// mlp makes the policy one with a hidden layer.
func mlp(s *spec.Spec) { s.Policy.Kind, s.Policy.Hidden = policy.MLP, 4 }

// fallible is a test or a property test.
type fallible interface {
	Helper()
	Fatal(args ...any)
	Context() context.Context
}

func newLearner(t fallible, s *spec.Spec) *learner.Learner {
	t.Helper()
	l, err := learner.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// step learns from samples and returns the weights.
func step(t fallible, l *learner.Learner, n int, samples []batch.Sample) []float32 {
	t.Helper()
	if _, err := l.Step(n, samples); err != nil {
		t.Fatal(err)
	}
	return flat(l.State().Weights)
}

// flat is a copy of all elements of the arrays.
func flat(arrays []checkpoint.Array) []float32 {
	var all []float32
	for _, a := range arrays {
		all = append(all, a.F32...)
	}
	return all
}

// uniform is a number in [-1, 1).
func uniform(r *numerics.Stream) float32 { return float32(2*r.Float64() - 1) }

// sampled are the samples of some groups of three rollouts, with rewards that
// differ within each.
func sampled(seed uint64, groups, width int) []batch.Sample {
	r := numerics.NewStream(seed)
	var samples []batch.Sample
	for g := range groups {
		for i := range 3 {
			s := batch.Sample{Group: g, Rollout: i, Reward: float64(i) + r.Float64()}
			s.Choices = policy.Choices{Width: width, Offsets: []int{0}}
			for range 1 + r.IntN(3) {
				candidates := 2 + r.IntN(3)
				for range candidates * width {
					s.Choices.Features = append(s.Choices.Features, uniform(r))
				}
				s.Choices.Offsets = append(s.Choices.Offsets, s.Choices.Rows()+candidates)
				s.Choices.Chosen = append(s.Choices.Chosen, int32(r.IntN(candidates)))
				s.LogProbs = append(s.LogProbs, 0)
			}
			samples = append(samples, s)
		}
	}
	return samples
}

// randomArrays are weights of the spec's shape.
func randomArrays(t fallible, s *spec.Spec, seed uint64) []checkpoint.Array {
	t.Helper()
	p, err := policy.New(policy.Shape{Kind: s.Policy.Kind, Features: s.Policy.Features, Hidden: s.Policy.Hidden}, seed)
	if err != nil {
		t.Fatal(err)
	}
	r := numerics.NewStream(seed)
	for i := range p.Weights().Flat {
		p.Weights().Flat[i] = uniform(r)
	}
	return checkpoint.Arrays(p.Weights())
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
