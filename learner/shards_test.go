package learner_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// others compute parts of gradients as workers do: from the weights that the
// step began from and from what the part says, with nothing else of the batch.
type others struct {
	t       fallible
	spec    *spec.Spec
	samples []batch.Sample
	before  *checkpoint.State
	asked   int
}

// copied is a policy of its own with the weights of some arrays.
func copied(t fallible, arrays []checkpoint.Array) policy.Policy {
	t.Helper()
	p, err := checkpoint.Policy(arrays)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (o *others) ask(parts []learner.Part) iter.Seq2[learner.Partial, error] {
	return func(yield func(learner.Partial, error) bool) {
		for _, p := range parts {
			o.asked++
			if p, err := o.compute(p); !yield(p, err) || err != nil {
				return
			}
		}
	}
}

func (o *others) compute(p learner.Part) (learner.Partial, error) {
	with := learner.Policies{Start: copied(o.t, o.before.Weights)}
	if o.before.Reference != nil {
		with.Reference = copied(o.t, o.before.Reference)
	}
	if p.Weights != nil {
		with.Now = copied(o.t, o.before.Weights)
		copy(with.Now.Weights().Flat, p.Weights)
	}
	var samples []batch.Sample
	for i := range p.Groups {
		samples = append(samples, o.samples[p.Groups[i].First:p.Groups[i].Last]...)
	}
	partial, err := p.Gradient(o.t.Context(), o.spec, samples, with)
	if err != nil {
		return learner.Partial{}, err
	}
	return learner.DecodePartial(partial.Encode(), len(with.Start.Weights().Flat))
}

// drawnSpec is a spec of any algorithm with some of its options.
func drawnSpec(t *rapid.T) *spec.Spec {
	options := []string{"algorithm: " + rapid.SampledFrom(grpo.Algorithms()).Draw(t, "algorithm")}
	option := func(name string, of ...string) {
		if o := rapid.SampledFrom(append(of, "")).Draw(t, name); o != "" {
			options = append(options, o)
		}
	}
	option("old", "old: sampling")
	option("kl", "kl: {coefficient: 0.5}", "kl: {coefficient: 0.5, kind: k2, placement: reward}",
		"kl: {coefficient: 0.1, adaptive: {target: 0.01}}", "kl: {coefficient: 0.2, placement: weighted_loss, sync: {every: 1, mix: 0.5}}")
	option("entropy", "entropy: {coefficient: 0.1}", "entropy: {top_fraction: 0.4}", "entropy: {coefficient: 0.2, top_fraction: 0.7, adaptive: {target: 5}}")
	option("correction", "correction: {level: token, max: 1.2}", "correction: {level: sequence, mode: mask, max: 1.5}", "correction: {off_policy: 0.1}")
	option("advantage", "advantage: {scale: batch}", "advantage: {estimator: rloo}")
	option("aggregation", "aggregation: token_mean", "aggregation: sequence_sum_norm")
	option("truncated", "truncated: mask")
	text := fmt.Sprintf("%s, epochs: %d, minibatches: %d, accumulate: %d", strings.Join(options, ", "),
		rapid.IntRange(1, 2).Draw(t, "epochs"), rapid.IntRange(1, 3).Draw(t, "minibatches"), rapid.IntRange(1, 3).Draw(t, "accumulate"))
	s, err := spec.Decode("small.yaml", []byte(smallSpec+"grpo: {"+text+"}\n"))
	if err != nil {
		t.Skip(err) // not every option goes with every other
	}
	if rapid.Bool().Draw(t, "mlp") {
		mlp(s)
	}
	return s
}

// The gradient's sum has a fixed order, so shards that are aligned parts of it
// change no bit: not of the weights, nor of what the metrics say, whatever the
// algorithm.
func TestShardsOfAGradientSumToTheWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		s := drawnSpec(t)
		groups := 1 << rapid.IntRange(0, 3).Draw(t, "groups of a shard")
		whole, sharded := newLearner(t, s), newLearner(t, s)
		for n := range 2 {
			samples := sampled(rapid.Uint64().Draw(t, "samples"), rapid.IntRange(1, 11).Draw(t, "groups"), s.Policy.Features)
			r := numerics.NewStream(uint64(n))
			for i := range samples {
				// Gradients of very different sizes, so that their order tells.
				small := math.Ldexp(1, -13*(samples[i].Group%4))
				for f := range samples[i].Choices.Features {
					samples[i].Choices.Features[f] *= float32(small)
				}
				samples[i].Truncated = i%5 == 1
				for d := range samples[i].LogProbs {
					samples[i].LogProbs[d] = -1 + 0.3*uniform(r)
				}
			}
			want, err := whole.Step(n+1, samples)
			if err != nil {
				t.Fatal(err)
			}
			o := &others{t: t, spec: s, samples: samples, before: cloned(t, sharded).State()}
			got, err := sharded.StepInShards(n+1, samples, groups, o.ask)
			if err != nil {
				t.Fatal(err)
			}
			if a, b := whole.State(), sharded.State(); !reflect.DeepEqual(a, b) || !reflect.DeepEqual(got, want) {
				t.Fatalf("step %d: %+v and %+v, in shards %+v and %+v", n+1, flat(a.Weights), want, flat(b.Weights), got)
			}
			if o.asked > 0 {
				seen[s.GRPO.Algorithm] = true
			}
		}
	})
	if len(seen) < len(grpo.Algorithms())-2 { // the last ones may not have been drawn
		t.Errorf("in shards were %q alone", sortedKeys(seen))
	}
}

func cloned(t fallible, l *learner.Learner) *learner.Learner {
	t.Helper()
	c, err := l.Clone()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSmallBatchIsNotCutIntoShards(t *testing.T) {
	t.Parallel()
	s := specOf(t, "minibatches: 2", nil)
	for groups, asked := range map[int]bool{8: false, 9: true} {
		samples := sampled(1, groups, s.Policy.Features)
		l := newLearner(t, s)
		o := &others{t: t, spec: s, samples: samples, before: cloned(t, l).State()}
		if _, err := l.StepInShards(1, samples, 4, o.ask); err != nil || (o.asked > 0) != asked {
			t.Errorf("%d groups in two mini-batches: asked %d times, error %v", groups, o.asked, err)
		}
	}
}

func TestWrongPartialSumsAreRefused(t *testing.T) {
	t.Parallel()
	s := specOf(t, "", nil)
	samples := sampled(1, 4, s.Policy.Features)
	broken := errors.New("no worker")
	for name, c := range map[string]struct {
		yield func(yield func(learner.Partial, error) bool)
		want  string
	}{
		"none":          {func(func(learner.Partial, error) bool) {}, "missing"},
		"other weights": {func(yield func(learner.Partial, error) bool) { yield(learner.Partial{Sum: make([]float64, 2)}, nil) }, "2 weights"},
		"error":         {func(yield func(learner.Partial, error) bool) { yield(learner.Partial{}, broken) }, "no worker"},
	} {
		ask := func([]learner.Part) iter.Seq2[learner.Partial, error] { return c.yield }
		if _, err := newLearner(t, s).StepInShards(1, samples, 2, ask); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := newLearner(t, s).StepInShards(1, samples, 3, nil); err == nil {
		t.Error("shards of three groups are not refused")
	}
	if _, err := learner.DecodePartial(make([]byte, 8*31), 3); err == nil {
		t.Error("a partial sum that is cut short is not refused")
	}
}
