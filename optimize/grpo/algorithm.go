package grpo

import "fmt"

// Algorithms returns the names that Algorithm takes.
func Algorithms() []string {
	return []string{
		"grpo", "dapo", "bnpo", "dr_grpo", "ppo_dual_clip", "gspo", "gspo_token",
		"cispo", "sapo", "vespo", "luspo", "gmpo", "gpg", "topr", "rollout_mean",
	}
}

// Algorithm returns a row of the table of algorithms, with the defaults of its
// source and without divergence, correction or entropy bonus. docs/grpo.md has
// formulas and sources.
func Algorithm(name string) (Objective, error) {
	o := Objective{
		Ratio:       Ratio{Level: LevelToken},
		Clip:        Clip{Kind: ClipRatio, Low: 0.2, High: 0.2},
		Aggregation: Aggregation{Kind: SequenceMean, Scope: ScopeMiniBatch},
	}
	one := Bounds{Lower: 1, Upper: 1}
	switch name {
	case "grpo":
	case "dapo":
		o.Clip.High = 0.28
		o.Aggregation = Aggregation{Kind: TokenMean, Scope: ScopeBatch}
	case "bnpo":
		o.Aggregation.Kind = TokenMean
	case "dr_grpo":
		o.Aggregation.Kind = SequenceSumNorm
	case "ppo_dual_clip":
		o.Clip.Dual = 3
		o.Aggregation.Kind = TokenMean
	case "gspo", "gspo_token":
		o.Ratio.Level = LevelSequence
		if name == "gspo_token" {
			o.Ratio.Level = LevelSequenceToken
		}
		o.Clip.Low, o.Clip.High = 3e-4, 4e-4
	case "cispo":
		cap5 := Bounds{Lower: 0, Upper: 5}
		o.Clip = Clip{Kind: ClipWeight, Positive: cap5, Negative: cap5}
		o.Aggregation = Aggregation{Kind: TokenMean, Scope: ScopeBatch}
	case "sapo":
		o.Clip = Clip{Kind: ClipSoft, TauPositive: 1, TauNegative: 1.05}
	case "vespo":
		o.Clip = Clip{Kind: ClipGamma, GammaPositive: Gamma{Shape: 2, Rate: 3}, GammaNegative: Gamma{Shape: 3, Rate: 2}}
		o.Aggregation = Aggregation{Kind: TokenMean, Scope: ScopeBatch}
	case "luspo":
		o.Ratio.Level = LevelSequence
		o.Clip.Low, o.Clip.High = 3e-4, 4e-4
		o.Aggregation.Kind = SequenceSum
	case "gmpo":
		o.Ratio.Level = LevelGeometric
		o.Clip.Low, o.Clip.High = 0.4, 0.4
	case "gpg":
		o.Clip = Clip{Kind: ClipWeight, Positive: one, Negative: one}
		o.Aggregation.Kind = TokenMean
	case "topr":
		o.Clip = Clip{Kind: ClipWeight, Positive: one, Negative: Bounds{Lower: 0, Upper: 1}}
		o.Aggregation.Kind = TokenMean
	case "rollout_mean":
		o.Aggregation.Kind = RolloutMean
	default:
		return Objective{}, fmt.Errorf("algorithm %q is unknown, want one of %q", name, Algorithms())
	}
	return o, nil
}
