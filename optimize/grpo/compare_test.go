package grpo_test

import (
	"testing"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// Rewards r and 1 - r of the same weight are opposite once normalised. What
// rounding leaves of their sum is no advantage.
func TestRewardsThatOutweighEachOtherTeachNothing(t *testing.T) {
	t.Parallel()
	e := estimator(t, "gdpo")
	values := []float64{0.1, 1 - 0.1, 0.3, 1 - 0.3, 0.7, 1 - 0.7, 0.2, 1 - 0.2, 0.6, 1 - 0.6}
	opposite := grpo.Rewards{Values: values, Functions: 2}
	if !e.Level(opposite, new(grpo.Scratch)) {
		t.Error("a group of opposite rewards is not level")
	}
	opposite.Weights = []float64{1, 2}
	if e.Level(opposite, new(grpo.Scratch)) {
		t.Error("a group whose second reward weighs more is level")
	}
	beside := grpo.Rewards{Values: append(append([]float64{}, values...), 1, 0, 0, 0), Functions: 2}
	advantages, spread := make([]float64, 7), make([]float64, 2)
	l := grpo.Layout{GroupOffsets: []int{0, 5, 7}}
	if err := grpo.AdvantagesTo(advantages, spread, e, beside, l, nil, new(grpo.Scratch)); err != nil {
		t.Fatal(err)
	}
	for j, a := range advantages {
		if (a == 0) != (j < 5) {
			t.Errorf("advantages %v", advantages)
			break
		}
	}
}
