package learner_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
)

// stored saves the learner's checkpoint.
func stored(ctx context.Context, t fallible, l *learner.Learner, s *spec.Spec, b blob.Bucket) job.Checkpoint {
	t.Helper()
	m := &checkpoint.Manifest{
		Training: blob.DigestOf(nil), Numerics: numerics.Version, Step: 1, Shape: l.Shape(),
		Optimizer: checkpoint.Optimizer{Kind: s.Optimizer.Kind, Updates: l.Updates()},
	}
	c, err := checkpoint.Save(ctx, b, "j", job.Folder{Step: 1}, m, l.State(), 1<<20, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loaded(ctx context.Context, t fallible, s *spec.Spec, b blob.Bucket, c job.Checkpoint) *learner.Learner {
	t.Helper()
	m, state, err := checkpoint.Load(ctx, b, "j", c)
	if err != nil {
		t.Fatal(err)
	}
	l, err := learner.Load(s, m, state)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A learner that was stored and loaded goes on bit for bit as one that was not.
func TestStoredLearnerGoesOnWithTheSameBits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s := specWith(t, nil)
		if rapid.Bool().Draw(r, "mlp") {
			mlp(s)
		}
		s.Optimizer.Kind = rapid.SampledFrom([]string{"sgd", "adam", "adamw"}).Draw(r, "optimizer")
		if s.Optimizer.Kind == "sgd" {
			s.Optimizer.Momentum = rapid.SampledFrom([]float64{0, 0.9}).Draw(r, "momentum")
		} else {
			s.Optimizer.Beta1, s.Optimizer.Beta2, s.Optimizer.Epsilon = 0.9, 0.999, 1e-8
		}
		s.GRPO.KL.Coefficient = rapid.SampledFrom([]float64{0, 0.1}).Draw(r, "kl")
		s.GRPO.Minibatches = rapid.IntRange(1, 3).Draw(r, "minibatches")
		l := newLearner(r, s)
		for n := range rapid.IntRange(0, 3).Draw(r, "steps before") {
			step(r, l, n+1, sampled(uint64(n), 3, 3))
		}
		b := mem.New()
		other := loaded(t.Context(), r, s, b, stored(t.Context(), r, l, s, b))
		for n := 4; n < 6; n++ {
			samples := sampled(uint64(n), 3, 3)
			if x, y := step(r, l, n, samples), step(r, other, n, samples); !slices.Equal(x, y) {
				r.Fatalf("step %d: %v, loaded %v", n, x, y)
			}
		}
		x, y := stored(t.Context(), r, l, s, b), stored(t.Context(), r, other, s, b)
		if x.Manifest != y.Manifest {
			r.Fatalf("ids %s and %s", x.Manifest, y.Manifest)
		}
	})
}

func TestCloneLearnsWithoutHarmToTheOriginal(t *testing.T) {
	t.Parallel()
	s := specWith(t, func(s *spec.Spec) {
		s.Optimizer.Momentum, s.GRPO.KL.Coefficient = 0.9, 0.1
	})
	l := newLearner(t, s)
	step(t, l, 1, sampled(1, 3, 3))
	b := mem.New()
	before := stored(t.Context(), t, l, s, b).Manifest
	c, err := l.Clone()
	if err != nil {
		t.Fatal(err)
	}
	x := step(t, c, 2, sampled(2, 3, 3))
	if after := stored(t.Context(), t, l, s, b).Manifest; after != before {
		t.Fatal("a step of the clone changed the original")
	}
	if y := step(t, l, 2, sampled(2, 3, 3)); !slices.Equal(x, y) {
		t.Errorf("clone %v, original %v", x, y)
	}
}

// TestBitsOfNumerics pins the checkpoint of a fixed batch: on every machine
// equal work has an equal id. It changes only with the numerics version.
func TestBitsOfNumerics(t *testing.T) {
	t.Parallel()
	s := specWith(t, func(s *spec.Spec) {
		mlp(s)
		s.Optimizer.Kind, s.Optimizer.LearningRate = "adam", 0.1
		s.Optimizer.Beta1, s.Optimizer.Beta2, s.Optimizer.Epsilon, s.Optimizer.MaxGradNorm = 0.9, 0.999, 1e-8, 0.5
		s.Optimizer.Schedule.Kind, s.Optimizer.Schedule.Floor = "cosine", 0.1
		s.GRPO.Epochs, s.GRPO.Minibatches, s.GRPO.KL.Coefficient = 2, 2, 0.1
	})
	l := newLearner(t, s)
	for n := 1; n <= 4; n++ {
		step(t, l, n, sampled(uint64(n), 5, 3))
	}
	const want = "84088c7d0a50a96f7a95412097701d48996adbf7ec853fd3a8de1c03ca0aa604"
	if got := stored(t.Context(), t, l, s, mem.New()).Manifest; numerics.Version != "cohort-1" || got != want {
		t.Errorf("numerics %s gives checkpoint %s, want %s of cohort-1", numerics.Version, got, want)
	}
}

func TestCheckpointThatDoesNotFitTheSpecIsRefused(t *testing.T) {
	t.Parallel()
	s := specWith(t, nil)
	l := newLearner(t, s)
	manifest := func() *checkpoint.Manifest {
		return &checkpoint.Manifest{Optimizer: checkpoint.Optimizer{Kind: "sgd"}}
	}
	for name, change := range map[string]func(s *spec.Spec, m *checkpoint.Manifest, state *checkpoint.State){
		"policy":             func(s *spec.Spec, _ *checkpoint.Manifest, _ *checkpoint.State) { s.Policy.Features = 4 },
		"optimizer":          func(_ *spec.Spec, m *checkpoint.Manifest, _ *checkpoint.State) { m.Optimizer.Kind = "adam" },
		"optimizer's state":  func(s *spec.Spec, _ *checkpoint.Manifest, _ *checkpoint.State) { s.Optimizer.Momentum = 0.5 },
		"reference missing":  func(s *spec.Spec, _ *checkpoint.Manifest, _ *checkpoint.State) { s.GRPO.KL.Coefficient = 1 },
		"reference too much": func(_ *spec.Spec, _ *checkpoint.Manifest, state *checkpoint.State) { state.Reference = state.Weights },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other, m, state := *s, manifest(), &checkpoint.State{Weights: l.State().Weights}
			change(&other, m, state)
			if _, err := learner.Load(&other, m, state); !errors.Is(err, learner.ErrMismatch) {
				t.Errorf("error is %v, want ErrMismatch", err)
			}
		})
	}
}

func TestWarmStartTakesTheWeightsAlone(t *testing.T) {
	t.Parallel()
	s := specWith(t, func(s *spec.Spec) { s.GRPO.KL.Coefficient = 0.1 })
	weights := randomArrays(t, s, 4)
	l, err := learner.Warm(s, weights)
	if err != nil {
		t.Fatal(err)
	}
	state := l.State()
	if !slices.Equal(flat(state.Weights), flat(weights)) || !slices.Equal(flat(state.Reference), flat(weights)) || l.Updates() != 0 {
		t.Errorf("state %+v after %d updates", state, l.Updates())
	}
}
