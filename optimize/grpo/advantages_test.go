package grpo_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// scoredBatch is rewards by identity, two functions, some values missing.
type scoredBatch struct {
	keys    []grpo.Key
	values  [][2]float64
	valid   [][2]bool
	lengths []int
}

func drawScored(t *rapid.T) scoredBatch {
	s := numerics.NewStream(rapid.Uint64().Draw(t, "seed"))
	var b scoredBatch
	for g := range rapid.IntRange(1, 6).Draw(t, "groups") {
		for j := range 1 + s.IntN(6) {
			b.keys = append(b.keys, grpo.Key{Group: uint64(g * 7), Rollout: uint64(j * 3)})
			b.values = append(b.values, [2]float64{float64(s.IntN(3)), s.Float64()})
			b.valid = append(b.valid, [2]bool{s.IntN(5) > 0, s.IntN(5) > 0})
			b.lengths = append(b.lengths, 1+s.IntN(9))
		}
	}
	return b
}

// pick returns the samples with the given numbers, in that order.
func (b scoredBatch) pick(numbers []int) scoredBatch {
	var p scoredBatch
	for _, i := range numbers {
		p.keys = append(p.keys, b.keys[i])
		p.values = append(p.values, b.values[i])
		p.valid = append(p.valid, b.valid[i])
		p.lengths = append(p.lengths, b.lengths[i])
	}
	return p
}

// advantages returns the advantage of every sample by its identity.
func (b scoredBatch) advantages(t fataler, e grpo.Estimator) map[grpo.Key]float64 {
	t.Helper()
	order, groups, err := grpo.Arrange(b.keys)
	if err != nil {
		t.Fatal(err)
	}
	l := grpo.Layout{GroupOffsets: groups}
	r := grpo.Rewards{Functions: 2, Weights: []float64{1, 0.5}}
	var lengths []int
	for _, i := range order {
		r.Values = append(r.Values, b.values[i][:]...)
		r.Valid = append(r.Valid, b.valid[i][:]...)
		lengths = append(lengths, b.lengths[i])
	}
	dst, spread := make([]float64, l.Rollouts()), make([]float64, l.Groups())
	if err := grpo.AdvantagesTo(dst, spread, e, r, l, lengths, &grpo.Scratch{}); err != nil {
		t.Fatal(err)
	}
	result := map[grpo.Key]float64{}
	for j, i := range order {
		result[b.keys[i]] = dst[j]
	}
	return result
}

func estimator(t fataler, name string) grpo.Estimator {
	t.Helper()
	e, err := grpo.NamedEstimator(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDroppingRolloutsLeavesOtherGroupsUnchanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"grpo", "dr_grpo", "rloo", "opo", "pass_at_k", "maxrl"}).Draw(t, "estimator")
		e := estimator(t, name)
		b := drawScored(t)
		whole := b.advantages(t, e)
		var left []int
		hit := map[uint64]bool{}
		for i, key := range b.keys {
			if rapid.IntRange(0, 4).Draw(t, "drop") == 0 {
				hit[key.Group] = true
			} else {
				left = append(left, i)
			}
		}
		for key, got := range b.pick(left).advantages(t, e) {
			if !hit[key.Group] && got != whole[key] {
				t.Fatalf("%s: advantage of %+v is %v, was %v", name, key, got, whole[key])
			}
		}
	})
}

func TestOrderOfRolloutsAndGroupsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := estimator(t, rapid.SampledFrom(grpo.EstimatorNames()).Draw(t, "estimator"))
		b := drawScored(t)
		order := make([]int, len(b.keys))
		numerics.NewStream(rapid.Uint64().Draw(t, "order")).Perm(order)
		want, got := b.advantages(t, e), b.pick(order).advantages(t, e)
		for key, v := range want {
			if math.Float64bits(got[key]) != math.Float64bits(v) {
				t.Fatalf("advantage of %+v is %v, want %v", key, got[key], v)
			}
		}
	})
}

func TestScaleOfRewardsDoesNotMatterToGroupNormalisation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := estimator(t, "grpo")
		e.Epsilon = 0
		b := drawScored(t)
		scale := rapid.Float64Range(0.01, 100).Draw(t, "scale")
		want := b.advantages(t, e)
		scaled := b.pick(nil)
		scaled.keys, scaled.valid, scaled.lengths = b.keys, b.valid, b.lengths
		for _, v := range b.values {
			scaled.values = append(scaled.values, [2]float64{v[0] * scale, v[1] * scale})
		}
		for key, got := range scaled.advantages(t, e) {
			if math.Abs(got-want[key]) > 1e-9 {
				t.Fatalf("advantage of %+v is %v, want %v", key, got, want[key])
			}
		}
	})
}

func TestMissingRewardIsNoSample(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(grpo.EstimatorNames()).Draw(t, "estimator")
		e := estimator(t, name)
		b := drawScored(t)
		var scored []int
		for i, v := range b.valid {
			if v[0] || v[1] {
				scored = append(scored, i)
			} else {
				b.values[i] = [2]float64{math.NaN(), 1e9} // must not be looked at
			}
		}
		whole, without := b.advantages(t, e), b.pick(scored).advantages(t, e)
		for key, got := range whole {
			if want := without[key]; got != want {
				t.Fatalf("%s: advantage of %+v is %v, want %v", name, key, got, want)
			}
		}
	})
}

func TestGroupsThatCompareNothingTeachNothing(t *testing.T) {
	t.Parallel()
	b := scoredBatch{
		// A group of one, a group of equal rewards (whose mean rounds), a group that teaches.
		keys:    []grpo.Key{{1, 0}, {2, 0}, {2, 1}, {2, 2}, {3, 0}, {3, 1}},
		values:  [][2]float64{{0.7, 0}, {0.1, 0}, {0.1, 0}, {0.1, 0}, {0.25, 0}, {1, 0}},
		valid:   slices.Repeat([][2]bool{{true, true}}, 6),
		lengths: []int{3, 4, 5, 6, 7, 8},
	}
	for _, name := range grpo.EstimatorNames() {
		advantages := b.advantages(t, estimator(t, name))
		for _, key := range b.keys[:4] {
			if advantages[key] != 0 {
				t.Errorf("%s: advantage of %+v is %v", name, key, advantages[key])
			}
		}
		if advantages[b.keys[5]] <= 0 {
			t.Errorf("%s: advantage of the better rollout is %v", name, advantages[b.keys[5]])
		}
	}
	e := estimator(t, "grpo")
	e.Singleton = grpo.TeachFormula
	if got := b.advantages(t, e)[b.keys[0]]; math.Abs(got-0.7/1.0001) > 1e-15 {
		t.Errorf("a group of one under its formula has advantage %v", got)
	}
}

// TestEstimatorFormulas has one group of rewards 1, 0, 0, 2 of lengths 1 to 4.
func TestEstimatorFormulas(t *testing.T) {
	t.Parallel()
	sd := math.Sqrt(11.0 / 12)
	for name, want := range map[string][]float64{
		"grpo":       {0.25 / (sd + 1e-4), -0.75 / (sd + 1e-4), -0.75 / (sd + 1e-4), 1.25 / (sd + 1e-4)},
		"grpo_batch": {0.25 / (sd + 1e-4), -0.75 / (sd + 1e-4), -0.75 / (sd + 1e-4), 1.25 / (sd + 1e-4)},
		"dr_grpo":    {0.25, -0.75, -0.75, 1.25},
		"rloo":       {1.0 - 2.0/3, -1, -1, 2 - 1.0/3},
		"gpg":        {0.5, -1.5, -1.5, 2.5},
		"opo":        {0.1, -0.9, -0.9, 1.1},
		"pass_at_k":  {0, 0, 0, 1 / (sd + 1e-6)},
		"maxrl":      {1.0 / 3, -1, -1, 5.0 / 3},
	} {
		dst, spread := make([]float64, 4), make([]float64, 1)
		r := grpo.Rewards{Values: []float64{1, 0, 0, 2}}
		l := grpo.Layout{GroupOffsets: []int{0, 4}}
		if err := grpo.AdvantagesTo(dst, spread, estimator(t, name), r, l, []int{1, 2, 3, 4}, &grpo.Scratch{}); err != nil {
			t.Fatal(err)
		}
		for j, w := range want {
			if math.Abs(dst[j]-w) > 1e-14 {
				t.Errorf("%s: advantages %v, want %v", name, dst, want)
				break
			}
		}
		if math.Abs(spread[0]-sd) > 1e-15 || !grpo.Teaches(spread[0]) {
			t.Errorf("%s: spread %v", name, spread[0])
		}
	}
}

func TestNormalizeThenSumLetsNoRewardDrownAnother(t *testing.T) {
	t.Parallel()
	// The second function is a hundred times the first and says the same.
	r := grpo.Rewards{Values: []float64{1, 0, 0, 100, 0, 0, 1, 100}, Functions: 2}
	l := grpo.Layout{GroupOffsets: []int{0, 4}}
	dst, spread := make([]float64, 4), make([]float64, 1)
	if err := grpo.AdvantagesTo(dst, spread, estimator(t, "gdpo"), r, l, nil, &grpo.Scratch{}); err != nil {
		t.Fatal(err)
	}
	if math.Abs(dst[0]-dst[1]) > 1e-3 || dst[3] <= dst[0] || dst[2] >= dst[0] {
		t.Errorf("advantages %v", dst)
	}
}

func TestRewardsThatAreNotFiniteAreRefusedByName(t *testing.T) {
	t.Parallel()
	l := grpo.Layout{GroupOffsets: []int{0, 2}}
	for _, c := range []struct {
		rewards grpo.Rewards
		want    string
	}{
		{
			grpo.Rewards{Values: []float64{1, math.NaN()}, Names: []string{"exact"}},
			"reward exact of rollout 1 is NaN: not a finite number",
		},
		{
			grpo.Rewards{Values: []float64{1, 0, math.Inf(1), 0}, Functions: 2},
			"reward 0 of rollout 1 is +Inf: not a finite number",
		},
		{
			grpo.Rewards{Values: []float64{1, 0}, Weights: []float64{math.Inf(-1)}},
			"weight of reward 0 is -Inf: not a finite number",
		},
		{
			grpo.Rewards{Values: []float64{1e308, -1e308}, Weights: []float64{10}},
			"advantage of rollout 0 is NaN: not a finite number",
		},
	} {
		dst, spread := make([]float64, 2), make([]float64, 1)
		err := grpo.AdvantagesTo(dst, spread, estimator(t, "dr_grpo"), c.rewards, l, nil, &grpo.Scratch{})
		if !errors.Is(err, grpo.ErrNotFinite) || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	missing := grpo.Rewards{Values: []float64{1, math.NaN()}, Valid: []bool{true, false}}
	if err := missing.Validate(2); err != nil {
		t.Errorf("a value that is not valid: %v", err)
	}
}

func TestOneRolloutTwiceIsRefused(t *testing.T) {
	t.Parallel()
	if _, _, err := grpo.Arrange([]grpo.Key{{1, 2}, {2, 2}, {1, 2}}); !errors.Is(err, grpo.ErrLayout) {
		t.Errorf("error %v", err)
	}
}

func TestAdvantagesDoNotAllocateOnceTheScratchHasGrown(t *testing.T) {
	r := grpo.Rewards{Values: []float64{1, 0, 0, 2}}
	l := grpo.Layout{GroupOffsets: []int{0, 4}}
	dst, spread, lengths, scratch := make([]float64, 4), make([]float64, 1), []int{1, 2, 3, 4}, &grpo.Scratch{}
	for _, name := range grpo.EstimatorNames() {
		e := estimator(t, name)
		allocs := testing.AllocsPerRun(5, func() {
			if err := grpo.AdvantagesTo(dst, spread, e, r, l, lengths, scratch); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations", name, allocs)
		}
	}
}
