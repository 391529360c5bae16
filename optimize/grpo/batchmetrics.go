package grpo

import (
	"math"
	"slices"
)

// zeroSpread is the standard deviation up to which TRL counts a group as one of
// equal rewards (torch.isclose to 0).
const zeroSpread = 1e-8

// RewardMetrics returns what the rewards tell, in a fixed order, with TRL's
// names. Rollouts and values that have no reward enter none of them; deviations
// are unbiased. spread is from AdvantagesTo.
func RewardMetrics(r Rewards, l Layout, spread []float64) []Metric {
	n := l.Rollouts()
	values, flags := make([]float64, n), make([]bool, n)
	for j := range n {
		values[j], flags[j] = r.Sum(j), r.Scored(j)
	}
	mean, scored := average(values, flags)
	zero := 0
	for g, s := range spread {
		if !(s <= zeroSpread) {
			continue
		}
		first, last := l.RolloutsOf(g)
		for _, in := range flags[first:last] {
			if in {
				zero++
			}
		}
	}
	m := []Metric{
		{"reward", orZero(mean)},
		{"reward_std", orZero(deviation(values, flags, 1))},
		{"frac_reward_zero_std", ratio(float64(zero), float64(scored))},
		{"reward_missing", float64(n - scored)},
	}
	for k := range r.functions() {
		for j := range n {
			values[j], flags[j] = r.value(j, k), r.valid(j, k)
		}
		mean, _ := average(values, flags)
		m = append(m,
			Metric{"rewards/" + r.name(k) + "/mean", orZero(mean)},
			Metric{"rewards/" + r.name(k) + "/std", orZero(deviation(values, flags, 1))},
		)
	}
	return m
}

// LengthMetrics returns what the lengths of rollouts tell, in a fixed order, with
// TRL's names. truncated says which ended at a limit; nil: none.
func LengthMetrics(lengths []int, truncated []bool) []Metric {
	if len(lengths) == 0 {
		return nil
	}
	var ended []int
	total := 0
	for j, n := range lengths {
		total += n
		if truncated == nil || !truncated[j] {
			ended = append(ended, n)
		}
	}
	m := []Metric{
		{"num_tokens", float64(total)},
		{"completions/mean_length", float64(total) / float64(len(lengths))},
		{"completions/min_length", float64(slices.Min(lengths))},
		{"completions/max_length", float64(slices.Max(lengths))},
		{"completions/clipped_ratio", 1 - float64(len(ended))/float64(len(lengths))},
	}
	if len(ended) == 0 {
		ended = []int{0} // As TRL: no completion ended, so 0 stands for none.
	}
	total = 0
	for _, n := range ended {
		total += n
	}
	return append(m,
		Metric{"completions/mean_terminated_length", float64(total) / float64(len(ended))},
		Metric{"completions/min_terminated_length", float64(slices.Min(ended))},
		Metric{"completions/max_terminated_length", float64(slices.Max(ended))},
	)
}

// orZero is 0 for the mean of nothing, which JSON could not hold.
func orZero(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}
