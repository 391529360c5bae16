package grpo_test

import (
	"fmt"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// One group of four rollouts of one decision each: two solved the task.
func Example() {
	layout := grpo.Layout{RowOffsets: []int{0, 1, 2, 3, 4}, GroupOffsets: []int{0, 4}}
	estimator, _ := grpo.NamedEstimator("grpo")
	advantages, spread := make([]float32, 4), make([]float64, 1)
	rewards := grpo.Rewards{Values: []float64{1, 0, 0, 1}}
	if err := grpo.AdvantagesTo(advantages, spread, estimator, rewards, layout, nil, new(grpo.Scratch)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("advantages %.3f\n", advantages)

	objective, _ := grpo.Algorithm("grpo")
	old := []float32{-1, -1, -1, -1}
	batch := grpo.Batch[float32]{Layout: layout, LogProb: old, Old: old, Advantages: advantages}
	totals := grpo.Count(layout, nil, 0, layout.Groups())
	gradient := grpo.Gradient[float32]{LogProb: make([]float32, 4)}
	tallies := make([]grpo.Tally, 1)
	if err := grpo.Evaluate(gradient, tallies, objective, batch, totals, 0, 1); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("gradient %.3f\n", gradient.LogProb)
	// Output:
	// advantages [0.866 -0.866 -0.866 0.866]
	// gradient [-0.216 0.216 0.216 -0.216]
}
