package grpo_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// goldenBatch is a case in the layout of the package: rollouts by identity,
// tokens without padding.
type goldenBatch[T numerics.Float] struct {
	batch   grpo.Batch[T]
	order   []int // rollout j of the layout is sample order[j] of the case
	rewards grpo.Rewards
	lengths []int
	totals  grpo.Totals
}

func newGoldenBatch[T numerics.Float](t *testing.T, c goldenCase) goldenBatch[T] {
	t.Helper()
	var names []string
	keys := make([]grpo.Key, len(c.Groups))
	for i, name := range c.Groups {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		keys[i] = grpo.Key{Group: uint64(slices.Index(names, name)), Rollout: uint64(i)}
	}
	order, groups, err := grpo.Arrange(keys)
	if err != nil {
		t.Fatal(err)
	}
	g := goldenBatch[T]{order: order}
	g.batch.Layout = grpo.Layout{RowOffsets: []int{0}, GroupOffsets: groups}
	for _, i := range order {
		n := c.Lengths[i]
		g.lengths = append(g.lengths, n)
		g.rewards.Values = append(g.rewards.Values, c.Rewards[i])
		g.batch.Layout.RowOffsets = append(g.batch.Layout.RowOffsets, g.batch.Layout.Tokens()+n)
		for _, m := range []struct {
			to   *[]T
			from []float64
		}{
			{&g.batch.LogProb, c.NewLogP[i]},
			{&g.batch.Old, c.OldLogP[i]},
			{&g.batch.Reference, c.RefLogP[i]},
			{&g.batch.Sampling, c.SamplingLogP[i]},
		} {
			for _, v := range m.from[:n] {
				*m.to = append(*m.to, T(v))
			}
		}
	}
	g.batch.Entropy = make([]T, g.batch.Layout.Tokens())
	g.totals = grpo.Count(g.batch.Layout, nil, 0, g.batch.Layout.Groups())
	g.totals.MaxLength = c.MaxLen
	g.batch.Advantages = goldenAdvantages(t, g, c.LossAdvantages)
	return g
}

// goldenAdvantages computes what another trainer's estimator gives.
func goldenAdvantages[T numerics.Float](t *testing.T, g goldenBatch[T], name string) []T {
	t.Helper()
	e, err := goldenEstimator(name)
	if err != nil {
		t.Fatal(err)
	}
	advantages := make([]T, g.batch.Layout.Rollouts())
	spread := make([]float64, g.batch.Layout.Groups())
	if err := grpo.AdvantagesTo(advantages, spread, e, g.rewards, g.batch.Layout, g.lengths, &grpo.Scratch{}); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return advantages
}

func goldenEstimator(name string) (grpo.Estimator, error) {
	rows := map[string]string{
		"trl_group": "grpo", "trl_batch": "grpo_batch", "trl_none": "dr_grpo",
		"verl_grpo": "grpo", "verl_dr_grpo": "dr_grpo", "verl_rloo": "rloo", "verl_opo": "opo", "verl_gpg": "gpg",
		"verl_reinforce_pp_baseline": "reinforce_pp_baseline", "verl_grpo_passk": "pass_at_k",
	}
	row, known := rows[name]
	if !known {
		return grpo.Estimator{}, fmt.Errorf("advantages %q are unknown", name)
	}
	e, err := grpo.NamedEstimator(row)
	if name[:4] == "verl" {
		// verl gives a group of one its raw reward, and adds another epsilon.
		e.Singleton, e.Equal = grpo.TeachFormula, grpo.TeachFormula
		switch row {
		case "grpo":
			e.Epsilon = 1e-6
		case "reinforce_pp_baseline":
			e.CountEpsilon = verlEpsilon
		}
	}
	return e, err
}

// goldenObjective is the objective that params describe.
func goldenObjective(p goldenParams) (grpo.Objective, error) {
	verl := p.Loss != ""
	rows := map[string]string{"vanilla": "ppo_dual_clip", "gspo": "gspo_token", "geo_mean": "gmpo"}
	name := p.LossType
	if verl {
		if name = p.Loss; rows[name] != "" {
			name = rows[name]
		}
	}
	o, err := grpo.Algorithm(name)
	if err != nil || (p.LossType != "") == verl {
		return o, fmt.Errorf("loss %+v is unknown: %w", p, err)
	}
	switch o.Clip.Kind {
	case grpo.ClipRatio:
		o.Clip.Low, o.Clip.High, o.Clip.Dual = p.EpsLow, p.EpsHigh, p.Delta
		if name == "ppo_dual_clip" {
			o.Clip.Dual = p.ClipC
		}
	case grpo.ClipWeight:
		if name == "cispo" {
			b := grpo.Bounds{Lower: 0, Upper: p.EpsHigh}
			if verl {
				b = grpo.Bounds{Lower: 1 - p.EpsLow, Upper: 1 + p.EpsHigh}
			}
			o.Clip.Positive, o.Clip.Negative = b, b
		}
	case grpo.ClipSoft, grpo.ClipGamma:
	}
	if verl {
		return o, verlOptions(&o, p)
	}
	return o, trlOptions(&o, p)
}

func trlOptions(o *grpo.Objective, p goldenParams) error {
	switch p.Level {
	case "token":
		o.Ratio.Level = grpo.LevelToken
	case "sequence":
		o.Ratio.Level = grpo.LevelSequence
	default:
		return fmt.Errorf("level %q is unknown", p.Level)
	}
	o.Aggregation.CountEmpty = true
	if p.Beta != 0 {
		if p.KL != "k3" {
			return fmt.Errorf("divergence %q is unknown", p.KL)
		}
		o.KL = grpo.KL{Kind: grpo.K3, Coefficient: p.Beta, Weighted: p.KLBiasCorrection}
	}
	return o.Validate()
}

func verlOptions(o *grpo.Objective, p goldenParams) error {
	o.Aggregation.LengthEpsilon = 1e-8
	switch o.Ratio.Level {
	case grpo.LevelSequenceToken:
		o.Ratio.LogMin, o.Ratio.LogMax = -1e9, 10
	case grpo.LevelToken:
		o.Ratio.LogMin, o.Ratio.LogMax = -20, 20
	}
	switch p.Agg {
	case "token-mean":
		o.Aggregation.Kind = grpo.TokenMean
	case "token-sum":
		o.Aggregation.Kind = grpo.TokenSum
	case "seq-mean-token-sum":
		o.Aggregation.Kind = grpo.SequenceSum
	case "seq-mean-token-sum-norm":
		o.Aggregation.Kind = grpo.SequenceSumNorm
	case "seq-mean-token-mean", "own: mean over sequences":
		o.Aggregation.Kind = grpo.SequenceMean
	default:
		return fmt.Errorf("aggregation %q is unknown", p.Agg)
	}
	if p.Loss == "gspo" || p.Loss == "sapo" {
		o.Aggregation.Kind = grpo.SequenceMean // whatever was asked for
	}
	if p.Level != "" || p.Beta != 0 || p.KL != "" || p.Delta != 0 || p.KLBiasCorrection {
		return fmt.Errorf("parameters %+v are unknown for %s", p, p.Loss)
	}
	return o.Validate()
}
