package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// klCoefficient is the weight of the k3 penalty in all cases.
const klCoefficient = 0.04

// agreement is how far gradients in float32 may lie apart.
const agreement = 1e-4

// losses prints a table of tokens per second.
func (b *bench) losses(w io.Writer) error {
	fmt.Fprint(w, "| loss with gradient, k3 KL | groups x rollouts x tokens | Cohort, M tokens/s | TRL, M tokens/s | ratio |\n|---|---|---|---|---|\n")
	for _, name := range []string{"grpo", "dapo", "gspo"} {
		for _, s := range []size{{64, 8, 256, false}, {64, 8, 256, true}, {8, 8, 4, false}} {
			if err := b.loss(w, name, s); err != nil {
				return fmt.Errorf("%s, %s: %w", name, s, err)
			}
		}
	}
	return nil
}

// loss measures one case and checks that both sides computed the same.
func (b *bench) loss(w io.Writer, name string, s size) error {
	o, err := grpo.Algorithm(name)
	if err != nil {
		return err
	}
	o.KL = grpo.KL{Kind: grpo.K3, Coefficient: klCoefficient, Weighted: true} // weighted, as TRL 1.16 by default
	batch := s.batch()
	if err := batch.Validate(o); err != nil {
		return err
	}
	n := batch.Layout.Tokens()
	gradient := grpo.Gradient[float32]{LogProb: make([]float32, n)}
	tallies := make([]grpo.Tally, s.groups)
	counts := grpo.Count(batch.Layout, nil, 0, s.groups)
	totals := o.Aggregation.Totals(counts, counts, 1)
	totals.MaxLength = s.tokens
	folder := name + "-" + strings.ReplaceAll(s.String(), " ", "-")
	if err := b.writeLoss(folder, name, s, o, batch); err != nil {
		return err
	}
	ours, theirs, err := b.inTurns("loss", folder, func() error {
		return grpo.Evaluate(gradient, tallies, o, batch, totals, 0, s.groups)
	})
	if err != nil {
		return err
	}
	if theirs == 0 {
		fmt.Fprintf(w, "| %s | %s | %.1f | | |\n", name, s, float64(n)/ours/1e6)
		return nil
	}
	want, err := readArray(filepath.Join(b.dir, folder), "gradient")
	if err != nil {
		return err
	}
	if d := distance(gradient.LogProb, want); d > agreement {
		return fmt.Errorf("the gradients lie %g apart", d)
	}
	fmt.Fprintf(w, "| %s | %s | %.1f | %.2f | %.1f |\n", name, s, float64(n)/ours/1e6, float64(n)/theirs/1e6, theirs/ours)
	return nil
}

// writeLoss hands a case to Python, with TRL's names for the loss.
func (b *bench) writeLoss(folder, name string, s size, o grpo.Objective, batch grpo.Batch[float32]) error {
	settings := map[string]any{"loss": name, "level": "token", "low": o.Clip.Low, "high": o.Clip.High, "kl": o.KL.Coefficient, "tokens": s.tokens}
	if name == "gspo" {
		settings["loss"], settings["level"] = "grpo", "sequence"
	}
	lengths := make([]int32, batch.Layout.Rows())
	for i := range lengths {
		lengths[i] = int32(batch.Layout.RowOffsets[i+1] - batch.Layout.RowOffsets[i]) //nolint:gosec // at most tokens
	}
	return writeCase(filepath.Join(b.dir, folder), settings, map[string]any{
		"lengths": lengths, "log_probs": batch.LogProb, "old": batch.Old, "reference": batch.Reference, "advantages": batch.Advantages,
	})
}
