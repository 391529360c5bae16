package learner_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
)

// Three steps, a reload and three steps are six steps, bit for bit, with all
// that changes from step to step.
func TestWhatAdaptsSurvivesAReload(t *testing.T) {
	t.Parallel()
	for name, grpo := range map[string]string{
		"kl in the loss":   "kl: {coefficient: 0.5, adaptive: {target: 0.01, horizon: 100}}",
		"kl in the reward": "kl: {coefficient: 0.5, placement: reward, adaptive: {target: 0.01, horizon: 100}}",
		"reference":        "kl: {coefficient: 0.5, sync: {every: 2, mix: 0.6}}",
		"entropy":          "entropy: {adaptive: {target: 1.1, delta: 0.1}}",
		"all": "kl: {coefficient: 0.5, adaptive: {target: 0.01, horizon: 100}, sync: {every: 1, mix: 0.1}}, " +
			"entropy: {coefficient: 0.1, adaptive: {target: 2}}, epochs: 2, minibatches: 4, accumulate: 2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := specOf(t, grpo, mlp)
			l, b := newLearner(t, s), mem.New()
			first := *stateOf(l)
			for n := 1; n <= 3; n++ {
				step(t, l, n, sampled(uint64(n), 4, 3))
			}
			third := stored(t.Context(), t, l, s, b)
			other := loaded(t.Context(), t, s, b, third)
			for n := 4; n <= 6; n++ {
				step(t, l, n, sampled(uint64(n), 4, 3))
				step(t, other, n, sampled(uint64(n), 4, 3))
			}
			x, y := stored(t.Context(), t, l, s, b), stored(t.Context(), t, other, s, b)
			if x.Manifest != y.Manifest {
				t.Errorf("after six steps the id is %s, with a reload after three %s", x.Manifest, y.Manifest)
			}
			last := *stateOf(l)
			if c := first.Control; c != nil && (c.KL != nil && *c.KL == *last.Control.KL || c.Entropy != nil && *c.Entropy == *last.Control.Entropy) {
				t.Errorf("nothing adapted: %+v", c)
			}
			if s.GRPO.KL.Sync != nil && slices.Equal(flat(first.Reference), flat(last.Reference)) {
				t.Error("the reference did not follow")
			}
		})
	}
}

// stateOf is the learner's state, in memory of its own.
func stateOf(l *learner.Learner) *checkpoint.State {
	s := l.State()
	for i := range s.Reference {
		s.Reference[i].F32 = slices.Clone(s.Reference[i].F32)
	}
	return s
}

func TestReferenceFollowsEveryNSteps(t *testing.T) {
	t.Parallel()
	s := specOf(t, "kl: {coefficient: 0.1, sync: {every: 2, mix: 0.25}}", nil)
	l := newLearner(t, s)
	expected := flat(l.State().Reference)
	for n := 1; n <= 4; n++ {
		samples := sampled(uint64(n), 3, 3)
		if n == 4 {
			samples = nil // a step without samples counts
		}
		clone, err := l.Clone()
		if err != nil {
			t.Fatal(err)
		}
		step(t, clone, n, samples)
		if got := flat(l.State().Reference); !slices.Equal(got, expected) {
			t.Fatalf("step %d of a clone moved the reference to %v", n, got)
		}
		l = clone
		if n%2 == 0 {
			for i, w := range flat(l.State().Weights) {
				expected[i] = float32(0.25*float64(w) + 0.75*float64(expected[i]))
			}
		}
		if got := flat(l.State().Reference); !slices.Equal(got, expected) {
			t.Errorf("after step %d the reference is %v, want %v", n, got, expected)
		}
	}
}

// metricsOf are the metrics of a step by name, each of which comes once.
func metricsOf(t *testing.T, metrics []job.Metric, err error) map[string]float64 {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]float64{}
	for _, m := range metrics {
		if _, twice := byName[m.Name]; twice || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			t.Errorf("metric %s is twice or %v", m.Name, m.Value)
		}
		byName[m.Name] = m.Value
	}
	return byName
}

func TestCoefficientOfTheDivergenceFollowsIt(t *testing.T) {
	t.Parallel()
	for _, placement := range []string{"loss", "weighted_loss", "reward"} {
		for target, up := range map[string]bool{"1e-6": true, "900": false} {
			s := specOf(t, "kl: {coefficient: 0.5, placement: "+placement+", adaptive: {target: "+target+", horizon: 60}}", nil)
			l := newLearner(t, s)
			want := 0.5
			for n := 1; n <= 3; n++ {
				metrics, err := l.Step(n, sampled(uint64(n), 4, 3))
				got := metricsOf(t, metrics, err)
				if math.Abs(got["kl_coef"]-want) > 1e-12 {
					t.Errorf("%s, target %s, step %d: coefficient %v, want %v", placement, target, n, got["kl_coef"], want)
				}
				// 12 rollouts of a horizon of 60: a fifth of the greatest change, which
				// is a fifth. The first step begins at the reference.
				if up && n > 1 {
					want *= 1.04
				} else {
					want *= 0.96
				}
			}
		}
	}
}

func TestBonusIsGivenWhileTheEntropyIsNotAboveItsTarget(t *testing.T) {
	t.Parallel()
	s := specOf(t, "entropy: {coefficient: 0.5, adaptive: {target: 0.9, delta: 0.25, max: 0.75}}", func(s *spec.Spec) { s.Optimizer.LearningRate = 4 })
	l := newLearner(t, s)
	coefficient, last := 0.5, 0.0
	seen := map[bool]bool{}
	for n := 1; n <= 12; n++ {
		metrics, err := l.Step(n, sampled(uint64(n), 4, 3))
		got := metricsOf(t, metrics, err)
		want := 0.0
		if last <= 0.9 {
			want = coefficient
		}
		if got["entropy_coef"] != want {
			t.Errorf("step %d: coefficient %v after an entropy of %v, want %v", n, got["entropy_coef"], last, want)
		}
		if last = got["entropy"]; last <= 0.9 {
			coefficient = min(coefficient+0.25, 0.75)
		} else {
			coefficient = max(coefficient-0.25, 0)
		}
		seen[last <= 0.9] = true
	}
	if len(seen) != 2 {
		t.Error("the entropy stayed on one side of the target")
	}
}

func TestControlThatDoesNotFitTheSpecIsRefused(t *testing.T) {
	t.Parallel()
	const adaptive = "kl: {coefficient: 0.5, adaptive: {target: 0.01}}, entropy: {adaptive: {target: 1}}"
	kl, entropy := &checkpoint.KLControl{Coefficient: 0.1}, &checkpoint.EntropyControl{Coefficient: 0.1}
	for name, c := range map[string]struct {
		grpo    string
		control *checkpoint.Control
	}{
		"missing":              {adaptive, nil},
		"kl missing":           {adaptive, &checkpoint.Control{Entropy: entropy}},
		"entropy missing":      {adaptive, &checkpoint.Control{KL: kl}},
		"too much":             {"", &checkpoint.Control{KL: kl}},
		"kl out of bounds":     {adaptive, &checkpoint.Control{KL: &checkpoint.KLControl{}, Entropy: entropy}},
		"entropy out of range": {adaptive, &checkpoint.Control{KL: kl, Entropy: &checkpoint.EntropyControl{Coefficient: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := specOf(t, c.grpo, nil)
			state := newLearner(t, s).State()
			state.Control = c.control
			m := &checkpoint.Manifest{Optimizer: checkpoint.Optimizer{Kind: "sgd"}}
			if l, err := learner.Load(s, m, state); !errors.Is(err, learner.ErrMismatch) || l != nil {
				t.Errorf("error is %v, want ErrMismatch", err)
			}
		})
	}
}
