package learner_test

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job/spec"
)

func TestEmptyBatchChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLearner(t, specWith(t, mlp))
	before := l.WeightsDigest()
	metrics, err := l.Step(1, nil)
	if err != nil || metrics != nil || l.WeightsDigest() != before || l.Updates() != 0 {
		t.Errorf("metrics %v, error %v, %d updates", metrics, err, l.Updates())
	}
}

func TestSameBitsOnAnyNumberOfCores(t *testing.T) { //nolint:paralleltest // it sets GOMAXPROCS
	learn := func() []float32 {
		l := newLearner(t, specWith(t, func(s *spec.Spec) {
			mlp(s)
			s.GRPO.Epochs, s.GRPO.Minibatches = 2, 2
		}))
		for n := 1; n <= 3; n++ {
			step(t, l, n, sampled(uint64(n), 7, 3))
		}
		return flat(l.State().Weights)
	}
	procs := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(procs)
	one := learn()
	for _, n := range []int{2, 5} {
		runtime.GOMAXPROCS(n)
		if many := learn(); !slices.Equal(one, many) {
			t.Errorf("on %d cores: %v, on one: %v", n, many, one)
		}
	}
}

// G2: advantages are relative to the own group. The gradient of all groups,
// times the number of rollouts, is the sum of those of the parts, whichever
// groups are dropped and however they are numbered.
func TestDroppedGroupLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	all := sampled(5, 4, 3)
	learn := func(samples []batch.Sample) []float32 {
		w := step(t, newLearner(t, specWith(t, nil)), 1, samples)
		for i := range w {
			w[i] *= float32(len(samples))
		}
		return w
	}
	whole := learn(all)
	for dropped := range 4 {
		rest := slices.Concat(all[:3*dropped], all[3*dropped+3:])
		kept, alone := learn(rest), learn(all[3*dropped:3*dropped+3])
		for i := range whole {
			if sum := kept[i] + alone[i]; math.Abs(float64(sum-whole[i])) > 1e-5 {
				t.Errorf("group %d dropped, weight %d: %v + %v is not %v", dropped, i, kept[i], alone[i], whole[i])
			}
		}
		renumbered := slices.Clone(rest)
		for i := range renumbered {
			renumbered[i].Group = 100 + 7*(i/3)
		}
		if again := learn(renumbered); !slices.Equal(again, kept) {
			t.Errorf("other numbers of groups give %v, not %v", again, kept)
		}
	}
}

// To the first order, an epoch in parts moves the weights as often as there are
// parts: each group is in exactly one, and each part counts as a whole batch.
func TestMinibatchesPartitionTheGroups(t *testing.T) {
	t.Parallel()
	samples := sampled(8, 5, 3)
	learn := func(epochs, minibatches int) ([]float32, int) {
		l := newLearner(t, specWith(t, func(s *spec.Spec) {
			s.GRPO.Algorithm, s.GRPO.Epochs, s.GRPO.Minibatches = "dapo", epochs, minibatches
			s.Optimizer.LearningRate = 1e-5
		}))
		return step(t, l, 1, samples), l.Updates()
	}
	one, _ := learn(1, 1)
	for _, c := range []struct{ epochs, minibatches, updates int }{{1, 2, 2}, {1, 5, 5}, {1, 100, 5}, {3, 1, 3}, {3, 2, 6}} {
		w, updates := learn(c.epochs, c.minibatches)
		if updates != c.updates {
			t.Errorf("%d epochs of %d mini-batches make %d updates, want %d", c.epochs, c.minibatches, updates, c.updates)
		}
		for i := range w {
			if want := float32(c.updates) * one[i]; math.Abs(float64(w[i]-want)) > 1e-3*math.Abs(float64(want)) {
				t.Errorf("%d epochs of %d mini-batches: weight %d is %v, want about %v", c.epochs, c.minibatches, i, w[i], want)
			}
		}
	}
}

// The gradients of mini-batches add up to that of the batch, where each weighs
// its decisions as the batch does.
func TestAccumulatedMinibatchesAreOneUpdateOfTheBatch(t *testing.T) {
	t.Parallel()
	samples := sampled(8, 8, 3)
	whole := newLearner(t, specOf(t, "algorithm: dapo", nil))
	want := step(t, whole, 1, samples)
	for _, c := range []struct {
		grpo    string
		updates int
	}{{"minibatches: 4, accumulate: 4", 1}, {"minibatches: 4, accumulate: 2", 2}, {"minibatches: 4", 4}} {
		l := newLearner(t, specOf(t, "algorithm: dapo, "+c.grpo, func(s *spec.Spec) { s.Tasks.Groups = 8 }))
		got := step(t, l, 1, samples)
		if l.Updates() != c.updates {
			t.Errorf("%s: %d updates, want %d", c.grpo, l.Updates(), c.updates)
		}
		for i := range got {
			if c.updates == 1 && math.Abs(float64(got[i]-want[i])) > 1e-6 {
				t.Errorf("%s: weight %d is %v, want %v", c.grpo, i, got[i], want[i])
			}
		}
	}
}

// Several rewards teach what their weighted sum teaches, except where each is
// normalised by itself; what was not given is no zero.
func TestSeveralRewardsTeachTheirWeightedSum(t *testing.T) {
	t.Parallel()
	samples := sampled(8, 4, 3)
	for i := range samples {
		samples[i].Rewards = []float64{float64(i % 3), samples[i].Reward}
		samples[i].Reward = 2*samples[i].Rewards[0] + 0.5*samples[i].Rewards[1]
	}
	samples[4].Rewards[0], samples[4].Reward = math.NaN(), 0.5*samples[4].Rewards[1]
	several := func(s *spec.Spec) {
		s.Reward.Components = []spec.Component{{Name: "a", Weight: 2}, {Name: "b", Weight: 0.5}}
	}
	for grpo, same := range map[string]bool{
		"": true, "advantage: {estimator: rloo}": true, "advantage: {estimator: gdpo}": false,
		"kl: {coefficient: 0.1, placement: reward}, overlong: {max_length: 3, buffer: 2}": true,
	} {
		one := step(t, newLearner(t, specOf(t, grpo, nil)), 1, samples)
		many := step(t, newLearner(t, specOf(t, grpo, several)), 1, samples)
		if slices.Equal(one, many) != same {
			t.Errorf("%s: one reward teaches %v, its parts %v", grpo, one, many)
		}
	}
	samples[0].Rewards = samples[0].Rewards[:1]
	if _, err := newLearner(t, specOf(t, "", several)).Step(1, samples); err == nil {
		t.Error("a sample of one reward was learnt from as one of two")
	}
}

func TestBlowUpIsAnError(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*spec.Spec){nil, mlp} {
		l := newLearner(t, specWith(t, func(s *spec.Spec) {
			if s.Optimizer.LearningRate = 1000; change != nil {
				change(s)
			}
		}))
		samples := sampled(1, 3, 3)
		for _, s := range samples {
			for i := range s.Choices.Features {
				s.Choices.Features[i] *= 1e30
			}
		}
		var err error
		for n := 1; n <= 20 && err == nil; n++ {
			_, err = l.Step(n, samples)
			for _, w := range flat(l.State().Weights) {
				if err == nil && math.IsNaN(float64(w)) {
					t.Fatal("weights are NaN without an error")
				}
			}
		}
		if err == nil {
			t.Error("no error after 20 steps with a rate of 1000 on features of 1e30")
		}
	}
}

func TestSampleThatDoesNotFitThePolicyIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := newLearner(t, specWith(t, nil)).Step(1, sampled(1, 2, 4)); err == nil {
		t.Error("a batch of four features taught a policy of three")
	}
}
