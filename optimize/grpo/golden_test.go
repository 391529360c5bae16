package grpo_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// verlEpsilon is what verl adds to the counts of its masked means.
const verlEpsilon = 1e-8

// comparer counts comparisons and remembers the largest error, relative to the
// wanted value or to floor where that is smaller.
type comparer struct {
	t            *testing.T
	floor, limit float64
	count        int
	largest      float64
}

func (c *comparer) compare(what string, got, want float64) {
	c.count++
	err := math.Abs(got-want) / max(math.Abs(want), c.floor)
	c.largest = max(c.largest, err)
	if !(err <= c.limit) {
		c.t.Errorf("%s is %v, want %v (error %.3g)", what, got, want, err)
	}
}

// TestGolden compares the shipped code at float64 with what TRL and verl
// computed.
func TestGolden(t *testing.T) {
	t.Parallel()
	c := &comparer{t: t, floor: 1e-6, limit: 1e-9}
	compareGolden[float64](c)
	fmt.Printf("%d comparisons, largest relative error %.3g\n", c.count, c.largest)
}

// TestGoldenInSinglePrecision compares the same code at float32. A small value
// is the difference of larger ones that were rounded, so errors count relative
// to 0.1 at least.
func TestGoldenInSinglePrecision(t *testing.T) {
	t.Parallel()
	c := &comparer{t: t, floor: 0.1, limit: 1e-5}
	compareGolden[float32](c)
	t.Logf("%d comparisons, largest relative error %.3g", c.count, c.largest)
}

func compareGolden[T numerics.Float](c *comparer) {
	files, err := readGolden()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, file := range files {
		for _, gc := range file.Cases {
			g := newGoldenBatch[T](c.t, gc)
			for name, want := range gc.Advantages {
				for j, got := range goldenAdvantages(c.t, g, name) {
					c.compare(fmt.Sprintf("%s: %s advantage %d", gc.Name, name, g.order[j]), float64(got), want[g.order[j]])
				}
			}
			for name, want := range gc.Losses {
				compareLoss(c, g, gc.Name+": "+name, want)
			}
			for name, want := range gc.KL {
				compareKL(c, g, gc.Name+": "+name, grpo.KLKind(name), want)
			}
			for name, want := range gc.Correction {
				compareCorrection(c, g, gc.Name+": "+name, name, want)
			}
		}
	}
}

func compareLoss[T numerics.Float](c *comparer, g goldenBatch[T], what string, want goldenLoss) {
	o, err := goldenObjective(want.Params)
	if err != nil {
		c.t.Errorf("%s: %v", what, err)
		return
	}
	if err := g.batch.Validate(o); err != nil {
		c.t.Fatal(err)
	}
	gradient := grpo.Gradient[T]{LogProb: make([]T, g.batch.Layout.Tokens())}
	tallies := make([]grpo.Tally, g.batch.Layout.Groups())
	if err := grpo.Evaluate(gradient, tallies, o, g.batch, g.totals, 0, len(tallies)); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	tally := grpo.Combine(tallies)
	c.compare(what+" loss", tally.Loss(), want.Loss)
	for j, i := range g.order {
		first, last := g.batch.Layout.TokensOf(j)
		for t, w := range want.Grad[i] {
			got := 0.0
			if first+t < last {
				got = float64(gradient.LogProb[first+t])
			}
			c.compare(fmt.Sprintf("%s gradient of sample %d token %d", what, i, t), got, w)
		}
	}
	compareMetrics(c, what, tally.Metrics(o), want, float64(g.totals.Tokens))
}

func compareMetrics(c *comparer, what string, metrics []grpo.Metric, want goldenLoss, tokens float64) {
	ours := map[string]string{
		"actor/pg_clipfrac":       "clip_ratio/token_mean",
		"actor/pg_clipfrac_lower": "clip_ratio/dual_mean",
		"actor/ppo_kl":            "policy/old_kl",
	}
	switch want.Params.Loss {
	case "geo_mean":
		ours["actor/pg_clipfrac"], ours["actor/pg_clipfrac_lower"] = "clip_ratio/high_mean", "clip_ratio/low_mean"
	case "cispo":
		ours["actor/pg_clipfrac"] = "clip_ratio/outside_mean"
	}
	for name, w := range want.Metrics {
		scale := 1.0
		if own := ours[name]; own != "" {
			name, scale = own, tokens/(tokens+verlEpsilon)
		}
		i := slices.IndexFunc(metrics, func(m grpo.Metric) bool { return m.Name == name })
		switch {
		case i >= 0:
			c.compare(what+" metric "+name, metrics[i].Value*scale, w)
		case (name == "clip_ratio/dual_mean" || name == "clip_ratio/token_mean") && want.Params.Loss != "vanilla":
			c.compare(what+" metric "+name, 0, w) // verl reports a constant 0 where there is no such clip.
		default:
			c.t.Errorf("%s: metric %q is unknown", what, name)
		}
	}
}

func compareKL[T numerics.Float](c *comparer, g goldenBatch[T], what string, kind grpo.KLKind, want float64) {
	values := make([]T, g.batch.Layout.Tokens())
	k := grpo.KL{Kind: kind}
	if kind == grpo.K3 {
		k.XMax, k.Max = 20, 10
	}
	if err := grpo.DivergenceTo(values, k, g.batch.LogProb, g.batch.Reference, nil); err != nil {
		c.t.Errorf("%s: %v", what, err)
		return
	}
	c.compare(what, numerics.Sum(values)/(float64(len(values))+verlEpsilon), want)
}

func goldenCorrectionOf(name string) (grpo.Correction, error) {
	truncate := regexp.MustCompile(`^verl_truncate_(token|sequence)_c([0-9.]+)$`)
	mask := regexp.MustCompile(`^verl_mask_token_k1_([0-9.]+)_([0-9.]+)$`)
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return math.NaN()
		}
		return v
	}
	if m := truncate.FindStringSubmatch(name); m != nil {
		return grpo.Correction{Level: grpo.CorrectionLevel(m[1]), Mode: grpo.CorrectTruncate, Max: number(m[2])}, nil
	}
	if m := mask.FindStringSubmatch(name); m != nil {
		// verl's k1 is the logarithm of the inverse of the weight.
		return grpo.Correction{Level: grpo.CorrectToken, Mode: grpo.CorrectMask, Min: 1 / number(m[2]), Max: 1 / number(m[1])}, nil
	}
	return grpo.Correction{}, fmt.Errorf("correction %q is unknown", name)
}

func compareCorrection[T numerics.Float](c *comparer, g goldenBatch[T], what, name string, want goldenCorrection) {
	correction, err := goldenCorrectionOf(name)
	if err != nil {
		c.t.Error(err)
		return
	}
	weights := make([]T, g.batch.Layout.Tokens())
	if err := grpo.WeightsTo(weights, correction, g.batch.Layout, g.batch.Old, g.batch.Sampling, nil); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	matrix := want.Weights
	if matrix == nil {
		matrix = want.Kept
	}
	for j, i := range g.order {
		first, last := g.batch.Layout.TokensOf(j)
		for t, w := range matrix[i] {
			got := 0.0
			if first+t < last {
				got = float64(weights[first+t])
			}
			if want.Kept != nil && got != 0 {
				got = 1
			}
			c.compare(fmt.Sprintf("%s of sample %d token %d", what, i, t), got, w)
		}
	}
	metrics := correctionMetrics(c, g, correction)
	n := float64(len(weights))
	rounded := metrics["sampling/importance_sampling_ratio/raw_token_mean"] * n / (n + verlEpsilon)
	if want.Mean != nil {
		c.compare(what+" mean", rounded, *want.Mean)
	}
	if want.MaskedFraction != nil {
		c.compare(what+" masked", metrics["sampling/masked_ratio"]*n/(n+verlEpsilon), *want.MaskedFraction)
	}
	if want.ESS != nil {
		// verl bounds the weights by 1/C from below too, and adds its epsilon to
		// the count and to the mean.
		correction.Min = 1 / correction.Max
		metrics = correctionMetrics(c, g, correction)
		mean := metrics["sampling/importance_sampling_ratio/token_mean"]
		scale := (mean*n/(n+verlEpsilon) + verlEpsilon) / mean
		c.compare(what+" effective sample size", metrics["sampling/effective_sample_size"]*scale*scale*(n+verlEpsilon)/n, *want.ESS)
	}
}

// correctionMetrics returns what Evaluate reports of a correction.
func correctionMetrics[T numerics.Float](c *comparer, g goldenBatch[T], correction grpo.Correction) map[string]float64 {
	o, err := grpo.Algorithm("grpo")
	if err != nil {
		c.t.Fatal(err)
	}
	o.Correction = correction
	gradient := grpo.Gradient[T]{LogProb: make([]T, g.batch.Layout.Tokens())}
	tallies := make([]grpo.Tally, g.batch.Layout.Groups())
	if err := grpo.Evaluate(gradient, tallies, o, g.batch, g.totals, 0, len(tallies)); err != nil {
		c.t.Fatal(err)
	}
	metrics := map[string]float64{}
	for _, m := range grpo.Combine(tallies).Metrics(o) {
		metrics[m.Name] = m.Value
	}
	return metrics
}
