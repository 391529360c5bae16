package grpo_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

func TestEveryNamedRowIsValid(t *testing.T) {
	t.Parallel()
	for _, name := range grpo.Algorithms() {
		if err := algorithm(t, name).Validate(); err != nil {
			t.Errorf("algorithm %s: %v", name, err)
		}
	}
	for _, name := range grpo.EstimatorNames() {
		if err := estimator(t, name).Validate(); err != nil {
			t.Errorf("estimator %s: %v", name, err)
		}
	}
	if _, err := grpo.Algorithm("ppo"); err == nil || !strings.Contains(err.Error(), `algorithm "ppo" is unknown`) {
		t.Errorf("unknown algorithm: %v", err)
	}
	if _, err := grpo.NamedEstimator("gae"); err == nil || !strings.Contains(err.Error(), `estimator "gae" is unknown`) {
		t.Errorf("unknown estimator: %v", err)
	}
}

func TestWrongCombinationsAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*grpo.Objective)
		want   string
	}{
		{"grpo", func(o *grpo.Objective) { o.Ratio.Level = "turn" }, `ratio level "turn": want one of`},
		{"grpo", func(o *grpo.Objective) { o.Clip.Low = 1.5 }, "clip low 1.5: want a number in [0, 1]"},
		{"grpo", func(o *grpo.Objective) { o.Clip.Low = math.NaN() }, "clip low NaN"},
		{"grpo", func(o *grpo.Objective) { o.Clip.Dual = 1.1 }, "clip dual 1.1: want a number above 1 + clip high"},
		{"grpo", func(o *grpo.Objective) { o.Clip.TauPositive = 1 }, "sets a field it does not use"},
		{"cispo", func(o *grpo.Objective) { o.Clip.Negative.Lower = 9 }, "clip bounds [9, 5]"},
		{"sapo", func(o *grpo.Objective) { o.Clip.TauNegative = 0 }, "clip tau"},
		{"gmpo", func(o *grpo.Objective) { o.Clip.Dual = 3 }, "clip dual 3: the geometric ratio"},
		{"gmpo", func(o *grpo.Objective) { o.Correction = tokenTruncation() }, "correction level token: the geometric ratio"},
		{"sapo", func(o *grpo.Objective) { o.Ratio.Level = grpo.LevelGeometric }, "clip kind soft: the geometric level"},
		{"vespo", func(o *grpo.Objective) { o.Ratio.Level = grpo.LevelSequence }, "clip kind gamma: it takes the ratio of the row"},
		{"grpo", func(o *grpo.Objective) { o.Correction.Max = 2 }, "correction mode and bounds without a level"},
		{"grpo", func(o *grpo.Objective) { o.Correction = grpo.Correction{Level: "token", Mode: "mask"} }, "correction bounds [0, 0]"},
		{"grpo", func(o *grpo.Objective) { o.KL.Coefficient = 0.1 }, "kl coefficient 0.1 without a kind"},
		{"grpo", func(o *grpo.Objective) { o.KL = grpo.KL{Kind: "k4"} }, `kl kind "k4": want one of`},
		{"grpo", func(o *grpo.Objective) { o.KL = grpo.KL{Kind: "k1", InReward: true, Weighted: true} }, "kl weighted: in the reward"},
		{"grpo", func(o *grpo.Objective) { o.Entropy.TopFraction = 1 }, "entropy top fraction 1"},
		{"grpo", func(o *grpo.Objective) { o.Aggregation.Kind = "median" }, `aggregation kind "median": want one of`},
		{"grpo", func(o *grpo.Objective) { o.Aggregation.Scope = "" }, `aggregation scope "": want one of`},
	} {
		o := algorithm(t, c.name)
		c.change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*grpo.Estimator)
		want   string
	}{
		{"grpo", func(e *grpo.Estimator) { e.DDOF = 2 }, "estimator ddof 2"},
		{"gdpo", func(e *grpo.Estimator) { e.Baseline = grpo.BaselineLeaveOneOut }, "estimator composition normalize_then_sum"},
		{"pass_at_k", func(e *grpo.Estimator) { e.Scale = grpo.ScaleWhiten }, "estimator baseline second_best"},
		{"rloo", func(e *grpo.Estimator) { e.Scale = grpo.ScaleMean }, "estimator scale mean"},
	} {
		e := estimator(t, c.name)
		c.change(&e)
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func tokenTruncation() grpo.Correction {
	return grpo.Correction{Level: grpo.CorrectToken, Mode: grpo.CorrectTruncate, Max: 2}
}

func TestInputsThatAreNotFiniteAreRefusedByName(t *testing.T) {
	t.Parallel()
	o := algorithm(t, "grpo")
	o.KL = grpo.KL{Kind: grpo.K3, Coefficient: 0.1}
	o.Entropy.Coefficient = 0.1
	for _, c := range []struct {
		change func(b *batch64)
		want   string
	}{
		{func(b *batch64) { b.LogProb[3] = math.NaN() }, "log-probability of token 3 is NaN"},
		{func(b *batch64) { b.Old[0] = math.Inf(-1) }, "old log-probability of token 0 is -Inf"},
		{func(b *batch64) { b.Reference[1] = math.NaN() }, "reference log-probability of token 1 is NaN"},
		{func(b *batch64) { b.Sampling[2] = math.Inf(1) }, "sampling log-probability of token 2 is +Inf"},
		{func(b *batch64) { b.Entropy[2] = math.NaN() }, "entropy of token 2 is NaN"},
		{func(b *batch64) { b.Advantages[0] = math.NaN() }, "advantage of rollout 0 is NaN"},
	} {
		b := randomBatch(3, 4)
		b.Mask = nil
		c.change(&b)
		if err := b.Validate(o); !errors.Is(err, grpo.ErrNotFinite) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	b := randomBatch(3, 4)
	b.Sampling[2] = math.NaN() // was not told
	if err := b.Validate(o); err != nil {
		t.Error(err)
	}
	b.Mask, b.LogProb[0], b.Old[0], b.Advantages[0] = nil, 0, -800, -1
	g := grpo.Gradient[float64]{LogProb: make([]float64, len(b.LogProb)), Entropy: make([]float64, len(b.LogProb))}
	tallies := make([]grpo.Tally, 4)
	err := grpo.Evaluate(g, tallies, o, b, totalsOf(b, o), 0, 4)
	if !errors.Is(err, grpo.ErrNotFinite) || !strings.HasPrefix(err.Error(), "loss of group 0 is +Inf") {
		t.Errorf("a ratio that overflows: %v", err)
	}
}

type batch64 = grpo.Batch[float64]

func TestSamplingThatWasNotToldHasWeightOne(t *testing.T) {
	t.Parallel()
	l := grpo.Layout{RowOffsets: []int{0, 3}, GroupOffsets: []int{0, 1}}
	old, sampling := []float64{-1, -1, -1}, []float64{-1.5, math.NaN(), -1}
	weights := make([]float64, 3)
	correction := tokenTruncation()
	if err := grpo.WeightsTo(weights, correction, l, old, sampling, nil); err != nil {
		t.Fatal(err)
	}
	if math.Abs(weights[0]-math.Exp(0.5)) > 1e-15 || weights[1] != 1 || weights[2] != 1 {
		t.Errorf("weights %v", weights)
	}
	correction.Level = grpo.CorrectSequenceMean
	if err := grpo.WeightsTo(weights, correction, l, old, sampling, nil); err != nil {
		t.Fatal(err)
	}
	if want := math.Exp(0.5 / 3); math.Abs(weights[0]-want) > 1e-15 || weights[2] != weights[0] {
		t.Errorf("weights %v, want %v", weights, want)
	}
}

func TestMasksDoNotLiftTheDivergence(t *testing.T) {
	t.Parallel()
	o := algorithm(t, "grpo")
	o.KL = grpo.KL{Kind: grpo.K2, Coefficient: 1}
	b := randomBatch(11, 4)
	clear(b.Advantages)
	want, _ := evaluate(t, o, b, totalsOf(b, o))
	o.Entropy.TopFraction = 0.1
	o.Correction = grpo.Correction{Level: grpo.CorrectSequence, Mode: grpo.CorrectMask, Min: 1e8, Max: 1e9}
	got, tallies := evaluate(t, o, b, totalsOf(b, o))
	if !slices.Equal(got.LogProb, want.LogProb) {
		t.Error("gradients of the divergence differ")
	}
	for _, m := range grpo.Combine(tallies).Metrics(o) {
		if m.Name == "sampling/masked_ratio" && m.Value != 1 {
			t.Errorf("%s is %v", m.Name, m.Value)
		}
	}
}

func TestOffPolicyRowsOfNegativeAdvantageAreDropped(t *testing.T) {
	t.Parallel()
	o := algorithm(t, "gpg")
	o.Correction.OffPolicy = 0.1
	b := batch64{
		Layout:   grpo.Layout{RowOffsets: []int{0, 1, 2, 3}, GroupOffsets: []int{0, 3}},
		LogProb:  []float64{-1.2, -1.2, -1.05},
		Old:      []float64{-1, -1, -1},
		Sampling: []float64{-1, -1, -1}, Advantages: []float64{-1, 1, -1},
	}
	g, tallies := evaluate(t, o, b, totalsOf(b, o))
	if g.LogProb[0] != 0 || g.LogProb[1] == 0 || g.LogProb[2] == 0 {
		t.Errorf("gradient %v", g.LogProb)
	}
	metrics := grpo.Combine(tallies).Metrics(o)
	if last := metrics[len(metrics)-1]; last.Name != "sampling/off_policy_dropped_ratio" || last.Value != 1.0/3 {
		t.Errorf("last metric %+v", last)
	}
}

func TestScopeOfTheBatchWeighsMiniBatchesAlike(t *testing.T) {
	t.Parallel()
	o := algorithm(t, "dapo")
	b := randomBatch(5, 6)
	whole := totalsOf(b, o)
	_, tallies := evaluate(t, o, b, whole)
	want := grpo.Combine(tallies).Loss()

	sum := 0.0
	for _, part := range [][2]int{{0, 2}, {2, 6}} {
		mini := grpo.Count(b.Layout, b.Mask, part[0], part[1])
		_, tallies := evaluate(t, o, b, o.Aggregation.Totals(whole, mini, 2))
		sum += grpo.Combine(tallies[part[0]:part[1]]).Loss()
	}
	if math.Abs(sum/2-want) > 1e-12 {
		t.Errorf("mean over mini-batches %v, want %v", sum/2, want)
	}
}
