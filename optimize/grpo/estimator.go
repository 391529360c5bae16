package grpo

import "fmt"

// Baseline is what is subtracted from a reward.
type Baseline string

// Scale is what the difference is divided by, or multiplied with.
type Scale string

// Composition is how several rewards become one.
type Composition string

// Degenerate is what a group that compares nothing teaches.
type Degenerate string

// The baselines, all over the scored rollouts of the group.
const (
	BaselineMean           Baseline = "mean"            // mean
	BaselineLeaveOneOut    Baseline = "leave_one_out"   // mean of the others
	BaselineLengthWeighted Baseline = "length_weighted" // mean weighted by length
	BaselineSecondBest     Baseline = "second_best"     // for the best; the others get 0
)

// The scales.
const (
	ScaleNone    Scale = "none"
	ScaleGroup   Scale = "group"   // standard deviation of the group, plus epsilon
	ScaleBatch   Scale = "batch"   // standard deviation of the batch, plus epsilon
	ScaleMean    Scale = "mean"    // mean of the group; 0 where that is not positive
	ScaleWhiten  Scale = "whiten"  // mean 0 and variance 1 over the batch's tokens
	ScaleNonzero Scale = "nonzero" // times scored rollouts / nonzero rewards of the batch
)

// The compositions.
const (
	SumThenNormalize Composition = "sum_then_normalize"
	NormalizeThenSum Composition = "normalize_then_sum" // per function in the group, then over the batch
)

// What a group of one, or of equal rewards, does.
const (
	TeachNothing Degenerate = "nothing" // advantage 0
	TeachFormula Degenerate = "formula" // what the formula gives; a group of one has mean 0, deviation 1
)

// Estimator makes the advantages of rollouts from the rewards of their group.
type Estimator struct {
	Baseline Baseline
	Scale    Scale
	DDOF     int     // 0 or 1: subtracted from n in the group's and the batch's deviation
	Epsilon  float64 // added to a deviation; under ScaleWhiten to the variance
	// CountEpsilon is added to the number of tokens in the means of ScaleWhiten;
	// verl adds 1e-8.
	CountEpsilon float64
	Composition  Composition
	Singleton    Degenerate // a group of one scored rollout
	Equal        Degenerate // a group of equal rewards
}

// EstimatorNames returns the names that NamedEstimator takes.
func EstimatorNames() []string {
	return []string{
		"grpo", "grpo_batch", "dr_grpo", "rloo", "reinforce_pp_baseline",
		"gpg", "opo", "pass_at_k", "maxrl", "gdpo",
	}
}

// NamedEstimator returns a row of the table of estimators.
func NamedEstimator(name string) (Estimator, error) {
	e := Estimator{
		Baseline: BaselineMean, Scale: ScaleNone, DDOF: 1,
		Composition: SumThenNormalize, Singleton: TeachNothing, Equal: TeachNothing,
	}
	switch name {
	case "grpo":
		e.Scale, e.Epsilon = ScaleGroup, 1e-4
	case "grpo_batch":
		e.Scale, e.Epsilon = ScaleBatch, 1e-4
	case "dr_grpo":
	case "rloo":
		e.Baseline = BaselineLeaveOneOut
	case "reinforce_pp_baseline":
		e.Scale, e.Epsilon = ScaleWhiten, 1e-8
	case "gpg":
		e.Scale = ScaleNonzero
	case "opo":
		e.Baseline = BaselineLengthWeighted
	case "pass_at_k":
		e.Baseline, e.Scale, e.Epsilon = BaselineSecondBest, ScaleGroup, 1e-6
	case "maxrl":
		e.Scale = ScaleMean
	case "gdpo":
		e.Scale, e.Epsilon, e.Composition = ScaleGroup, 1e-4, NormalizeThenSum
	default:
		return Estimator{}, fmt.Errorf("estimator %q is unknown, want one of %q", name, EstimatorNames())
	}
	return e, nil
}

// Validate returns an error that names the first field that is out of its
// bounds or cannot go with another, and why.
func (e Estimator) Validate() error {
	if err := oneOf("estimator baseline", e.Baseline, BaselineMean, BaselineLeaveOneOut, BaselineLengthWeighted, BaselineSecondBest); err != nil {
		return err
	}
	if err := oneOf("estimator scale", e.Scale, ScaleNone, ScaleGroup, ScaleBatch, ScaleMean, ScaleWhiten, ScaleNonzero); err != nil {
		return err
	}
	if err := oneOf("estimator composition", e.Composition, SumThenNormalize, NormalizeThenSum); err != nil {
		return err
	}
	if err := oneOf("estimator singleton", e.Singleton, TeachNothing, TeachFormula); err != nil {
		return err
	}
	if err := oneOf("estimator equal", e.Equal, TeachNothing, TeachFormula); err != nil {
		return err
	}
	switch {
	case e.DDOF != 0 && e.DDOF != 1:
		return fmt.Errorf("estimator ddof %d: want 0 or 1", e.DDOF)
	case !(e.Epsilon >= 0 && e.Epsilon <= 1):
		return fmt.Errorf("estimator epsilon %v: want a number in [0, 1]", e.Epsilon)
	case !(e.CountEpsilon >= 0 && e.CountEpsilon <= 1) || (e.CountEpsilon != 0 && e.Scale != ScaleWhiten):
		return fmt.Errorf("estimator count epsilon %v: want a number in [0, 1], 0 unless the scale is whiten", e.CountEpsilon)
	case e.Composition == NormalizeThenSum && (e.Baseline != BaselineMean || e.Scale != ScaleGroup):
		return fmt.Errorf("estimator composition %s: it is mean and group scale per function, not baseline %s with scale %s",
			e.Composition, e.Baseline, e.Scale)
	case e.Scale == ScaleMean && e.Baseline != BaselineMean:
		return fmt.Errorf("estimator scale mean: needs the baseline mean, not %s", e.Baseline)
	case e.Baseline == BaselineSecondBest && e.Scale != ScaleGroup && e.Scale != ScaleNone:
		return fmt.Errorf("estimator baseline second_best: only the best rollout of a group is not 0, scale %s would compare it with other groups", e.Scale)
	}
	return nil
}
