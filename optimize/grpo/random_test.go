package grpo_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// fataler is what helpers need of a test or of a rapid check.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// randomBatch draws a ragged batch: groups of 1 to 5 rollouts of 1 to 3 rows of
// 0 to 6 tokens, a sixth of the tokens masked. Its bits are the same everywhere.
func randomBatch(seed uint64, groups int) grpo.Batch[float64] {
	s := numerics.NewStream(seed, 1)
	l := grpo.Layout{RowOffsets: []int{0}, RolloutOffsets: []int{0}, GroupOffsets: []int{0}}
	none := []float64{} // given, though there may be no token
	b := grpo.Batch[float64]{LogProb: none, Old: none, Reference: none, Sampling: none, Entropy: none, Mask: []bool{}}
	for range groups {
		rollouts := 1 + s.IntN(5)
		for range rollouts {
			rows := 1 + s.IntN(3)
			for range rows {
				l.RowOffsets = append(l.RowOffsets, l.Tokens()+s.IntN(7))
			}
			l.RolloutOffsets = append(l.RolloutOffsets, len(l.RowOffsets)-1)
			b.Advantages = append(b.Advantages, float64(4*s.Float64())-2)
		}
		l.GroupOffsets = append(l.GroupOffsets, len(l.RolloutOffsets)-1)
	}
	b.Layout = l
	for range l.Tokens() {
		old := -float64(2*s.Float64()) - 0.05
		b.Old = append(b.Old, old)
		b.LogProb = append(b.LogProb, old+float64(0.8*(s.Float64()-0.5)))
		b.Reference = append(b.Reference, old+s.Float64()-0.5)
		b.Sampling = append(b.Sampling, old+float64(0.4*(s.Float64()-0.5)))
		b.Entropy = append(b.Entropy, s.Float64())
		b.Mask = append(b.Mask, s.IntN(6) > 0)
	}
	return b
}

func totalsOf(b grpo.Batch[float64], o grpo.Objective) grpo.Totals {
	totals := grpo.Count(b.Layout, b.Mask, 0, b.Layout.Groups())
	totals.MaxLength = 9
	totals.EntropyThreshold, totals.EntropyTokens, _ = grpo.EntropyThreshold(o.Entropy, b.Entropy, b.Mask, nil)
	return totals
}

func evaluate(t fataler, o grpo.Objective, b grpo.Batch[float64], totals grpo.Totals) (grpo.Gradient[float64], []grpo.Tally) {
	t.Helper()
	n := b.Layout.Tokens()
	g := grpo.Gradient[float64]{LogProb: make([]float64, n), Entropy: make([]float64, n)}
	tallies := make([]grpo.Tally, b.Layout.Groups())
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := b.Validate(o); err != nil {
		t.Fatal(err)
	}
	if err := grpo.Evaluate(g, tallies, o, b, totals, 0, len(tallies)); err != nil {
		t.Fatal(err)
	}
	return g, tallies
}

func algorithm(t fataler, name string) grpo.Objective {
	t.Helper()
	o, err := grpo.Algorithm(name)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// randomObjective draws a row of the table and options that go with it.
func randomObjective(t *rapid.T) grpo.Objective {
	o := algorithm(t, rapid.SampledFrom(grpo.Algorithms()).Draw(t, "algorithm"))
	kinds := []grpo.AggregationKind{
		grpo.TokenMean, grpo.TokenSum, grpo.SequenceMean, grpo.SequenceSum, grpo.SequenceSumNorm, grpo.RolloutMean,
	}
	if rapid.Bool().Draw(t, "other aggregation") {
		o.Aggregation.Kind = rapid.SampledFrom(kinds).Draw(t, "aggregation")
	}
	if kind := rapid.SampledFrom([]grpo.KLKind{grpo.KLNone, grpo.K1, grpo.K2, grpo.K3}).Draw(t, "kl"); kind != grpo.KLNone {
		o.KL = grpo.KL{Kind: kind, Coefficient: 0.3, Weighted: rapid.Bool().Draw(t, "weighted")}
	}
	levels := []grpo.CorrectionLevel{"", grpo.CorrectSequence, grpo.CorrectSequenceMean}
	if o.Ratio.Level != grpo.LevelGeometric {
		levels = append(levels, grpo.CorrectToken)
	}
	if level := rapid.SampledFrom(levels).Draw(t, "correction"); level != "" {
		mode := rapid.SampledFrom([]grpo.CorrectionMode{grpo.CorrectTruncate, grpo.CorrectMask}).Draw(t, "mode")
		o.Correction = grpo.Correction{Level: level, Mode: mode, Min: 0.7, Max: 1.3}
	}
	if rapid.Bool().Draw(t, "off policy") {
		o.Correction.OffPolicy = 0.05
	}
	if rapid.Bool().Draw(t, "entropy") {
		o.Entropy = grpo.Entropy{Coefficient: 0.1, TopFraction: rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "top")}
	}
	return o
}

// constantWeights reports whether the ratio is a weight without a gradient.
func constantWeights(o grpo.Objective) bool {
	return o.Clip.Kind == grpo.ClipWeight || o.Clip.Kind == grpo.ClipGamma
}

// TestGradientIsTheDerivativeOfTheLoss compares with central differences. Where
// the ratio is a constant weight, the old and sampling policies are moved along,
// so that it stays what it is.
func TestGradientIsTheDerivativeOfTheLoss(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := randomObjective(t)
		if o.Ratio.Level == grpo.LevelSequenceToken {
			o.Ratio.Level = grpo.LevelSequence // TestBothConventionsOfGSPO compares the two.
		}
		if constantWeights(o) {
			o.KL.Weighted = false
		}
		o.Correction.OffPolicy = 0 // A row on the edge would be dropped by one side alone.
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), 3)
		totals := totalsOf(b, o)
		g, _ := evaluate(t, o, b, totals)
		lossAt := func(t fataler, moved [][]float64, i int, by float64) float64 {
			t.Helper()
			for _, m := range moved {
				m[i] += by
			}
			_, tallies := evaluate(t, o, b, totals)
			for _, m := range moved {
				m[i] -= by
			}
			return grpo.Combine(tallies).Loss()
		}
		moved := [][]float64{b.LogProb}
		if constantWeights(o) {
			moved = append(moved, b.Old, b.Sampling)
		}
		for i := range b.Layout.Tokens() {
			const h = 1e-5
			above, below := lossAt(t, moved, i, h), lossAt(t, moved, i, -h)
			want := (above - below) / (2 * h)
			if math.Abs(g.LogProb[i]-want) > 1e-7*(1+math.Abs(want)) {
				// At the edge of a clip the sides differ, and one has the derivative.
				here := lossAt(t, moved, i, 0)
				left, right := (here-below)/h, (above-here)/h
				if math.Abs(left-right) > 1e-4 && min(math.Abs(g.LogProb[i]-left), math.Abs(g.LogProb[i]-right)) < 2e-5 {
					continue
				}
				t.Fatalf("derivative by log-probability %d is %v, want %v", i, g.LogProb[i], want)
			}
			if o.Entropy.Coefficient > 0 && o.Entropy.TopFraction == 0 {
				entropies := [][]float64{b.Entropy}
				want := (lossAt(t, entropies, i, h) - lossAt(t, entropies, i, -h)) / (2 * h)
				if math.Abs(g.Entropy[i]-want) > 1e-7 {
					t.Fatalf("derivative by entropy %d is %v, want %v", i, g.Entropy[i], want)
				}
			}
		}
	})
}

func TestBothConventionsOfGSPOAgreeWhereTokensWeighTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), 4)
		flowing, detached := algorithm(t, "gspo"), algorithm(t, "gspo_token")
		flowing.Clip.Low, flowing.Clip.High = 0.1, 0.1
		detached.Clip = flowing.Clip
		one, _ := evaluate(t, flowing, b, totalsOf(b, flowing))
		other, _ := evaluate(t, detached, b, totalsOf(b, detached))
		for i, v := range one.LogProb {
			if math.Abs(v-other.LogProb[i]) > 1e-13 {
				t.Fatalf("token %d: %v flowing, %v detached", i, v, other.LogProb[i])
			}
		}
	})
}

func TestShardsOfAlignedSubtreesSumToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := randomObjective(t)
		groups := rapid.IntRange(1, 12).Draw(t, "groups")
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), groups)
		totals := totalsOf(b, o)
		whole, tallies := evaluate(t, o, b, totals)

		size := 1 << rapid.IntRange(0, 3).Draw(t, "level")
		n := b.Layout.Tokens()
		sharded := grpo.Gradient[float64]{LogProb: make([]float64, n), Entropy: make([]float64, n)}
		var shards []grpo.Tally
		for first := 0; first < groups; first += size {
			last := min(first+size, groups)
			part := make([]grpo.Tally, last-first)
			if err := grpo.Evaluate(sharded, part, o, b, totals, first, last); err != nil {
				t.Fatal(err)
			}
			shards = append(shards, grpo.Combine(part))
		}
		if !slices.Equal(sharded.LogProb, whole.LogProb) || !slices.Equal(sharded.Entropy, whole.Entropy) {
			t.Fatal("gradients differ")
		}
		if got, want := grpo.Combine(shards), grpo.Combine(tallies); got != want {
			t.Fatalf("tally %+v, want %+v", got, want)
		}
	})
}

func TestPaddingChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := randomObjective(t)
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), 4)
		want, wantTallies := evaluate(t, o, b, totalsOf(b, o))

		padded := b
		padded.Layout.RowOffsets = []int{0}
		for _, s := range []*[]float64{&padded.LogProb, &padded.Old, &padded.Reference, &padded.Sampling, &padded.Entropy} {
			*s = nil
		}
		padded.Mask = nil
		var from []int // where a padded token comes from, -1 for padding
		for i := range b.Layout.Rows() {
			first, last := b.Layout.TokensOf(i)
			for t := first; t < last; t++ {
				from = append(from, t)
			}
			from = append(from, -1, -1)
			padded.Layout.RowOffsets = append(padded.Layout.RowOffsets, len(from))
		}
		at := func(s []float64, t int) float64 {
			if t < 0 {
				return math.NaN()
			}
			return s[t]
		}
		for _, t := range from {
			padded.LogProb = append(padded.LogProb, at(b.LogProb, t))
			padded.Old = append(padded.Old, at(b.Old, t))
			padded.Reference = append(padded.Reference, at(b.Reference, t))
			padded.Sampling = append(padded.Sampling, at(b.Sampling, t))
			padded.Entropy = append(padded.Entropy, at(b.Entropy, t))
			padded.Mask = append(padded.Mask, t >= 0 && b.Mask[t])
		}
		got, tallies := evaluate(t, o, padded, totalsOf(padded, o))
		for i, t0 := range from {
			w := grpo.Gradient[float64]{LogProb: []float64{0}, Entropy: []float64{0}}
			if t0 >= 0 {
				w.LogProb[0], w.Entropy[0] = want.LogProb[t0], want.Entropy[t0]
			}
			if got.LogProb[i] != w.LogProb[0] || got.Entropy[i] != w.Entropy[0] {
				t.Fatalf("token %d: gradient %v, want %v", i, got.LogProb[i], w.LogProb[0])
			}
		}
		if !slices.Equal(tallies, wantTallies) {
			t.Fatal("tallies differ")
		}
	})
}

func TestMaskOfZerosGivesAZeroGradient(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := randomObjective(t)
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), 3)
		clear(b.Mask)
		g, tallies := evaluate(t, o, b, totalsOf(b, o))
		for i, v := range g.LogProb {
			if v != 0 || g.Entropy[i] != 0 {
				t.Fatalf("token %d: gradient %v and %v", i, v, g.Entropy[i])
			}
		}
		if total := grpo.Combine(tallies); total != (grpo.Tally{}) {
			t.Fatalf("tally %+v", total)
		}
	})
}

func TestRolloutMeanDoesNotDependOnHowARolloutIsCutIntoRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := algorithm(t, "rollout_mean")
		b := randomBatch(rapid.Uint64().Draw(t, "seed"), 3)
		want, wantTallies := evaluate(t, o, b, totalsOf(b, o))
		whole := b
		whole.Layout.RowOffsets, whole.Layout.RolloutOffsets = []int{0}, nil
		for j := range b.Layout.Rollouts() {
			_, last := b.Layout.RowsOf(j)
			whole.Layout.RowOffsets = append(whole.Layout.RowOffsets, b.Layout.RowOffsets[last])
		}
		got, tallies := evaluate(t, o, whole, totalsOf(whole, o))
		if !slices.Equal(got.LogProb, want.LogProb) {
			t.Fatal("gradients differ")
		}
		if a, b := grpo.Combine(tallies).Loss(), grpo.Combine(wantTallies).Loss(); math.Abs(a-b) > 1e-12 {
			t.Fatalf("loss %v, want %v", a, b)
		}
	})
}

func TestEvaluateDoesNotAllocate(t *testing.T) {
	b := randomBatch(7, 8)
	for _, name := range grpo.Algorithms() {
		o := algorithm(t, name)
		o.KL = grpo.KL{Kind: grpo.K3, Coefficient: 0.1}
		o.Entropy.Coefficient = 0.1
		totals := totalsOf(b, o)
		g, tallies := evaluate(t, o, b, totals)
		allocs := testing.AllocsPerRun(5, func() {
			if err := grpo.Evaluate(g, tallies, o, b, totals, 0, len(tallies)); err != nil {
				t.Fatal(err)
			}
			grpo.Combine(tallies)
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
