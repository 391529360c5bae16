package policy_test

import (
	"fmt"

	"github.com/cohort-rl/cohort/policy"
)

func ExampleDecide() {
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 2}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	copy(p.Weights().Flat, []float32{1, -1})

	// Three candidates with two features each.
	choice, err := policy.Decide(p, []float32{0, 0, 2, 1, 1, 3}, 42, 0, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("candidate %d, log-probability %.3f\n", choice.Chosen, choice.LogProb)
	// Output: candidate 1, log-probability -0.349
}

func Example_training() {
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 1}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	// One decision between two candidates; the second was chosen.
	choices := policy.Choices{Width: 1, Features: []float32{1, 3}, Offsets: []int{0, 2}, Chosen: []int32{1}}
	var act policy.Activations
	p.Forward(&act, choices)
	fmt.Printf("log-probability %.3f, entropy %.3f\n", act.LogProb[0], act.Entropy[0])

	// The loss is minus the log-probability.
	gradient := make([]float32, p.Shape().Size())
	p.Backward(gradient, &act, choices, []float32{-1}, nil)
	fmt.Println("gradient", gradient)
	// Output:
	// log-probability -0.693, entropy 0.693
	// gradient [-1]
}
