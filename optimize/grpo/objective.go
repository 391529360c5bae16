package grpo

import (
	"errors"
	"fmt"
	"slices"
)

// Objective is the loss that a step makes smaller.
type Objective struct {
	Ratio       Ratio
	Clip        Clip
	Correction  Correction
	KL          KL
	Entropy     Entropy
	Aggregation Aggregation
}

// Validate returns an error that names the first field that is out of its
// bounds or cannot go with another, and why.
func (o Objective) Validate() error {
	if err := oneOf("ratio level", o.Ratio.Level, LevelToken, LevelSequence, LevelSequenceToken, LevelGeometric); err != nil {
		return err
	}
	if !(o.Ratio.LogMin <= 0 && o.Ratio.LogMax >= 0) {
		return fmt.Errorf("ratio log bounds [%v, %v]: want 0 between them", o.Ratio.LogMin, o.Ratio.LogMax)
	}
	for _, err := range []error{
		o.Clip.validate(o.Ratio.Level), o.Correction.validate(), o.KL.validate(), o.Entropy.validate(), o.Aggregation.validate(),
	} {
		if err != nil {
			return err
		}
	}
	if o.Ratio.Level == LevelGeometric && o.Correction.Level == CorrectToken {
		return errors.New("correction level token: the geometric ratio has one value per row, use sequence or sequence_mean")
	}
	return nil
}

func (c Clip) validate(level Level) error {
	if err := oneOf("clip kind", c.Kind, ClipRatio, ClipWeight, ClipSoft, ClipGamma); err != nil {
		return err
	}
	used := Clip{Kind: c.Kind}
	switch c.Kind {
	case ClipRatio:
		used.Low, used.High, used.Dual = c.Low, c.High, c.Dual
		switch {
		case level == LevelGeometric && !(c.Low >= 0 && c.Low <= 20 && c.High >= 0 && c.High <= 20):
			return fmt.Errorf("clip low %v, high %v: want log bounds in [0, 20]", c.Low, c.High)
		case level == LevelGeometric && c.Dual != 0:
			return fmt.Errorf("clip dual %v: the geometric ratio is clipped per token before its mean, leave it out", c.Dual)
		case level != LevelGeometric && !(c.Low >= 0 && c.Low <= 1):
			return fmt.Errorf("clip low %v: want a number in [0, 1]", c.Low)
		case !(c.High >= 0 && c.High <= 1e6):
			return fmt.Errorf("clip high %v: want a number in [0, 1e6]", c.High)
		case c.Dual != 0 && !(c.Dual > 1+c.High && c.Dual <= 1e9):
			return fmt.Errorf("clip dual %v: want a number above 1 + clip high %v, or 0 for none", c.Dual, c.High)
		}
	case ClipWeight:
		used.Positive, used.Negative = c.Positive, c.Negative
		for _, b := range []Bounds{c.Positive, c.Negative} {
			if !(b.Lower >= 0 && b.Lower <= b.Upper && b.Upper <= 1e9) {
				return fmt.Errorf("clip bounds [%v, %v]: want 0 <= lower <= upper", b.Lower, b.Upper)
			}
		}
	case ClipSoft:
		used.TauPositive, used.TauNegative = c.TauPositive, c.TauNegative
		if !(c.TauPositive > 0 && c.TauPositive <= 1e3 && c.TauNegative > 0 && c.TauNegative <= 1e3) {
			return fmt.Errorf("clip tau %v and %v: want numbers in (0, 1000]", c.TauPositive, c.TauNegative)
		}
	case ClipGamma:
		used.GammaPositive, used.GammaNegative = c.GammaPositive, c.GammaNegative
		for _, g := range []Gamma{c.GammaPositive, c.GammaNegative} {
			if !(g.Shape >= 0 && g.Shape <= 100 && g.Rate > 0 && g.Rate <= 100) {
				return fmt.Errorf("clip gamma shape %v, rate %v: want numbers in [0, 100] and (0, 100]", g.Shape, g.Rate)
			}
		}
	}
	if used != c {
		return fmt.Errorf("clip kind %s: %+v sets a field it does not use, leave it out", c.Kind, c)
	}
	if level == LevelGeometric && c.Kind != ClipRatio {
		return fmt.Errorf("clip kind %s: the geometric level clips ratios, use ratio", c.Kind)
	}
	if level != LevelToken && c.Kind == ClipGamma {
		return errors.New("clip kind gamma: it takes the ratio of the row itself, use the level token")
	}
	return nil
}

func (c Correction) validate() error {
	if !(c.OffPolicy >= 0) {
		return fmt.Errorf("correction off policy %v: want 0 or more", c.OffPolicy)
	}
	if c.Level == "" {
		if c != (Correction{OffPolicy: c.OffPolicy}) {
			return errors.New("correction mode and bounds without a level: set the level")
		}
		return nil
	}
	if err := oneOf("correction level", c.Level, CorrectToken, CorrectSequence, CorrectSequenceMean); err != nil {
		return err
	}
	if err := oneOf("correction mode", c.Mode, CorrectTruncate, CorrectMask); err != nil {
		return err
	}
	if !(c.Min >= 0 && c.Max > c.Min && c.Max <= 1e9) {
		return fmt.Errorf("correction bounds [%v, %v]: want 0 <= min < max <= 1e9", c.Min, c.Max)
	}
	return nil
}

func (k KL) validate() error {
	if err := oneOf("kl kind", k.Kind, KLNone, K1, K2, K3); err != nil {
		return err
	}
	switch {
	case k.Kind == KLNone && k != (KL{}):
		return fmt.Errorf("kl coefficient %v without a kind: set k1, k2 or k3", k.Coefficient)
	case !(k.Coefficient >= 0 && k.Coefficient <= 1e6):
		return fmt.Errorf("kl coefficient %v: want a number in [0, 1e6]", k.Coefficient)
	case !(k.XMax >= 0 && k.Max >= 0):
		return fmt.Errorf("kl bounds %v and %v: want 0 or more", k.XMax, k.Max)
	case k.InReward && k.Weighted:
		return errors.New("kl weighted: in the reward no gradient flows, weight it in the loss only")
	}
	return nil
}

func (a Aggregation) validate() error {
	if err := oneOf("aggregation kind", a.Kind, TokenMean, TokenSum, SequenceMean, SequenceSum, SequenceSumNorm, RolloutMean); err != nil {
		return err
	}
	if err := oneOf("aggregation scope", a.Scope, ScopeMiniBatch, ScopeBatch); err != nil {
		return err
	}
	if !(a.LengthEpsilon >= 0 && a.LengthEpsilon <= 1) {
		return fmt.Errorf("aggregation length epsilon %v: want a number in [0, 1]", a.LengthEpsilon)
	}
	return nil
}

func oneOf[S ~string](name string, value S, allowed ...S) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	// The clone keeps allowed on the caller's stack.
	return fmt.Errorf("%s %q: want one of %q", name, value, slices.Clone(allowed))
}
