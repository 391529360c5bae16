package grpo_test

import (
	"math"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

func TestOverlongPenalty(t *testing.T) {
	t.Parallel()
	o := grpo.Overlong{MaxLength: 100, Buffer: 20, Factor: 2}
	for length, want := range map[int]float64{0: 0, 80: 0, 90: -1, 100: -2, 150: -2} {
		if got := o.Penalty(length); got != want {
			t.Errorf("penalty of %d tokens is %v, want %v", length, got, want)
		}
	}
}

func TestTruncatedRolloutsAreMaskedWhole(t *testing.T) {
	t.Parallel()
	l := grpo.Layout{RowOffsets: []int{0, 1, 3, 4}, RolloutOffsets: []int{0, 2, 3}, GroupOffsets: []int{0, 2}}
	mask := []bool{true, true, true, true}
	grpo.MaskTruncated(mask, l, []bool{true, false})
	if !slices.Equal(mask, []bool{false, false, false, true}) {
		t.Errorf("mask %v", mask)
	}
}

func TestAGroupIsStaleAsAWhole(t *testing.T) {
	t.Parallel()
	stale := make([]bool, 3)
	grpo.StaleTo(stale, grpo.Layout{GroupOffsets: []int{0, 2, 4, 5}}, []int{0, 1, 0, 3, 2}, 2)
	if !slices.Equal(stale, []bool{false, true, false}) {
		t.Errorf("stale %v", stale)
	}
}

func TestMiniBatchesHoldEveryGroupOnce(t *testing.T) {
	t.Parallel()
	order := []int{4, 2, 0, 1, 3, 6, 5}
	for parts := 1; parts < 10; parts++ {
		var all []int
		n := 0
		for part := range grpo.MiniBatches(order, parts) {
			all = append(all, part...)
			n++
			if size := len(order) / min(parts, 7); len(part) != size && len(part) != size+1 {
				t.Errorf("%d parts: one of %d groups", parts, len(part))
			}
		}
		if !slices.Equal(all, order) || n != min(parts, 7) {
			t.Errorf("%d parts: %d of groups %v", parts, n, all)
		}
	}
}

func TestEntropyThresholdIsTheQuantile(t *testing.T) {
	t.Parallel()
	entropies := []float64{9, 4, 1, 3, 2, 5}
	mask := []bool{false, true, true, true, true, true}
	threshold, tokens, scratch := grpo.EntropyThreshold(grpo.Entropy{TopFraction: 0.3}, entropies, mask, nil)
	if math.Abs(threshold-3.8) > 1e-15 || tokens != 2 {
		t.Errorf("threshold %v, %d tokens", threshold, tokens)
	}
	threshold, tokens, _ = grpo.EntropyThreshold(grpo.Entropy{}, entropies, mask, scratch)
	if !math.IsInf(threshold, -1) || tokens != 5 {
		t.Errorf("without a mask: threshold %v, %d tokens", threshold, tokens)
	}
}

func TestControllersMoveTowardsTheirTarget(t *testing.T) {
	t.Parallel()
	kl := grpo.AdaptiveKL{Target: 0.1, Rate: 0.5}
	for observed, want := range map[float64]float64{0.1: 1, 0.11: 1.05, 5: 1.1, 0: 0.9} {
		if got := kl.Next(1, observed); math.Abs(got-want) > 1e-12 {
			t.Errorf("coefficient after a divergence of %v is %v, want %v", observed, got, want)
		}
	}
	e := grpo.AdaptiveEntropy{Target: 0.2, Delta: 0.01, Max: 0.02}
	for range 3 {
		e = e.Next(0.1)
	}
	if e.Coefficient != 0.02 || e.Applied() != 0.02 {
		t.Errorf("below the target: %+v", e)
	}
	if e = e.Next(0.3); e.Coefficient != 0.01 || e.Applied() != 0 {
		t.Errorf("above the target: %+v", e)
	}
}

func TestReferenceFollowsThePolicy(t *testing.T) {
	t.Parallel()
	sync := grpo.ReferenceSync{Every: 3, Mix: 0.25}
	for n, want := range map[int]bool{1: false, 3: true, 6: true, 7: false} {
		if sync.Due(n) != want {
			t.Errorf("due after step %d: %v", n, !want)
		}
	}
	reference := []float32{0, 4}
	sync.MixTo(reference, []float32{4, 0})
	if !slices.Equal(reference, []float32{1, 3}) {
		t.Errorf("reference %v", reference)
	}
}

func TestRewardKLSumsOverTheRollout(t *testing.T) {
	t.Parallel()
	l := grpo.Layout{RowOffsets: []int{0, 1, 2, 4}, RolloutOffsets: []int{0, 2, 3}, GroupOffsets: []int{0, 2}}
	old, reference := []float64{-1, -1, -1, -1}, []float64{-2, -1.5, -1, -7}
	dst := make([]float64, 2)
	k := grpo.KL{Kind: grpo.K1, Coefficient: 0.1, InReward: true}
	if err := grpo.RewardKLTo(dst, k, l, old, reference, []bool{true, true, true, false}); err != nil {
		t.Fatal(err)
	}
	if math.Abs(dst[0]+0.15) > 1e-15 || dst[1] != 0 {
		t.Errorf("rewards %v", dst)
	}
}

func TestBatchMetrics(t *testing.T) {
	t.Parallel()
	r := grpo.Rewards{
		Values: []float64{1, 3, 9, 2, 2}, Valid: []bool{true, true, false, true, true}, Names: []string{"exact"},
	}
	l := grpo.Layout{GroupOffsets: []int{0, 3, 5}}
	dst, spread := make([]float64, 5), make([]float64, 2)
	if err := grpo.AdvantagesTo(dst, spread, estimator(t, "grpo"), r, l, nil, &grpo.Scratch{}); err != nil {
		t.Fatal(err)
	}
	sd := math.Sqrt(2.0 / 3)
	check(t, grpo.RewardMetrics(r, l, spread), []grpo.Metric{
		{Name: "reward", Value: 2},
		{Name: "reward_std", Value: sd},
		{Name: "frac_reward_zero_std", Value: 0.5},
		{Name: "reward_missing", Value: 1},
		{Name: "rewards/exact/mean", Value: 2},
		{Name: "rewards/exact/std", Value: sd},
	})
	check(t, grpo.LengthMetrics([]int{4, 2, 9, 5}, []bool{false, false, true, false}), []grpo.Metric{
		{Name: "num_tokens", Value: 20},
		{Name: "completions/mean_length", Value: 5},
		{Name: "completions/min_length", Value: 2},
		{Name: "completions/max_length", Value: 9},
		{Name: "completions/clipped_ratio", Value: 0.25},
		{Name: "completions/mean_terminated_length", Value: 11.0 / 3},
		{Name: "completions/min_terminated_length", Value: 2},
		{Name: "completions/max_terminated_length", Value: 5},
	})
}

func check(t *testing.T, got, want []grpo.Metric) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("metrics %v, want %v", got, want)
	}
	for i, w := range want {
		if got[i].Name != w.Name || math.Abs(got[i].Value-w.Value) > 1e-15 {
			t.Errorf("metric %+v, want %+v", got[i], w)
		}
	}
}
