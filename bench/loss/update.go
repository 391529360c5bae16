package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/bench/learning/trainer"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// updates prints a table of the time of an update.
func (b *bench) updates(ctx context.Context, w io.Writer) error {
	fmt.Fprint(w, "\n| update of the countdown job | decisions | Cohort, ms | PyTorch, ms | ratio |\n|---|---|---|---|---|\n")
	for _, text := range [][]byte{countdown.Job(), countdown.JobMLP()} {
		if err := b.update(ctx, w, text); err != nil {
			return err
		}
	}
	return nil
}

// warmup is how many steps are trained before the one that is measured.
const warmup = 3

// update measures the update of one step, repeated: checks of the batch,
// advantages and metrics are in our time, not in theirs.
func (b *bench) update(ctx context.Context, w io.Writer, text []byte) error {
	s, err := spec.Decode("the example's spec", append(text, trainer.AsReference...))
	if err != nil {
		return err
	}
	l, samples, err := trained(ctx, s)
	if err != nil {
		return err
	}
	folder := s.Name
	if err := b.writeUpdate(folder, s, l.State(), samples); err != nil {
		return err
	}
	decisions, norm := 0, math.NaN()
	for i := range samples {
		decisions += samples[i].Choices.Len()
	}
	step := warmup
	ours, theirs, err := b.inTurns("update", folder, func() error {
		step++
		metrics, err := l.Step(step, samples)
		for _, m := range metrics {
			if m.Name == "grad_norm" && step == warmup+1 {
				norm = m.Value
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if theirs == 0 {
		fmt.Fprintf(w, "| %s | %d | %.2f | | |\n", s.Policy.Kind, decisions, ours*1e3)
		return nil
	}
	gradient, err := readArray(filepath.Join(b.dir, folder), "gradient")
	if err != nil {
		return err
	}
	want := 0.0
	for _, g := range gradient {
		want += float64(g) * float64(g)
	}
	if want = math.Sqrt(want); math.Abs(norm-want) > agreement*want {
		return fmt.Errorf("%s: the gradient's norm is %g, PyTorch's %g", s.Name, norm, want)
	}
	fmt.Fprintf(w, "| %s | %d | %.2f | %.2f | %.1f |\n", s.Policy.Kind, decisions, ours*1e3, theirs*1e3, theirs/ours)
	return nil
}

// trained is the learner after some steps, and the batch of the next.
func trained(ctx context.Context, s *spec.Spec) (*learner.Learner, []batch.Sample, error) {
	data, err := trainer.Example()
	if err != nil {
		return nil, nil, err
	}
	t, err := trainer.New(s, data)
	if err != nil {
		return nil, nil, err
	}
	l, err := learner.New(s)
	if err != nil {
		return nil, nil, err
	}
	for step := 1; ; step++ {
		report, err := t.Step(ctx)
		if err != nil || step > warmup {
			return l, report.Samples, err
		}
		if _, err := l.Step(step, report.Samples); err != nil {
			return nil, nil, err
		}
	}
}

// writeUpdate hands the batch to Python, with the advantage of every decision.
func (b *bench) writeUpdate(folder string, s *spec.Spec, state *checkpoint.State, samples []batch.Sample) error {
	var features, advantages, weights []float32
	var candidates, chosen []int32
	for group := range slices.Chunk(samples, s.Tasks.Rollouts) {
		rewards := make([]float64, len(group))
		for i := range group {
			rewards[i] = group[i].Reward
		}
		made, err := groupAdvantages(rewards)
		if err != nil {
			return err
		}
		for i, sample := range group {
			c := sample.Choices
			features, chosen = append(features, c.Features...), append(chosen, c.Chosen...)
			for d := range c.Len() {
				candidates = append(candidates, int32(c.Offsets[d+1]-c.Offsets[d])) //nolint:gosec // at most 36 moves
				advantages = append(advantages, made[i])
			}
		}
	}
	for _, a := range state.Weights {
		weights = append(weights, a.F32...)
	}
	settings := map[string]any{"width": countdown.Width, "hidden": s.Policy.Hidden, "rate": s.Optimizer.LearningRate}
	if s.Policy.Kind == "linear" {
		settings["hidden"] = 0
	}
	return writeCase(filepath.Join(b.dir, folder), settings, map[string]any{
		"features": features, "candidates": candidates, "chosen": chosen, "advantages": advantages, "weights": weights,
	})
}

// groupAdvantages are those of one group by the estimator grpo.
func groupAdvantages(rewards []float64) ([]float32, error) {
	e, err := grpo.NamedEstimator("grpo")
	if err != nil {
		return nil, err
	}
	l := grpo.Layout{RowOffsets: make([]int, len(rewards)+1), GroupOffsets: []int{0, len(rewards)}}
	for i := range l.RowOffsets {
		l.RowOffsets[i] = i
	}
	dst := make([]float32, len(rewards))
	return dst, grpo.AdvantagesTo(dst, make([]float64, 1), e, grpo.Rewards{Values: rewards}, l, nil, new(grpo.Scratch))
}
