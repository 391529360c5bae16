package policy_test

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

func TestDecideReportsTheBitsOfForward(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		shape := drawShape(rt)
		s := numerics.NewStream(rapid.Uint64().Draw(rt, "seed"))
		p := randomPolicy[float32](t, shape, s)
		c := randomChoices[float32](s, 5, shape.Features, 30)
		greedy := rapid.Bool().Draw(rt, "greedy")
		for d := range c.Len() {
			choice, err := policy.Decide(p, part(c, d, d+1).Features, 7, uint32(d), greedy)
			if err != nil {
				rt.Fatal(err)
			}
			c.Chosen[d] = int32(choice.Chosen)
			var act policy.Activations
			p.Forward(&act, c)
			if !sameBits([]float32{choice.LogProb}, act.LogProb[d:d+1]) {
				rt.Fatalf("decision %d: Decide says %v, Forward %v", d, choice.LogProb, act.LogProb[d])
			}
			batched, err := act.Choose(d, 7, uint32(d), greedy)
			if err != nil || batched != choice {
				rt.Fatalf("decision %d: %v in a batch (%v), %v alone", d, batched, err, choice)
			}
		}
	})
}

func TestChoicesFollowTheirProbabilities(t *testing.T) {
	t.Parallel()
	p := vectorPolicy(t, 1)
	// Softmax of these scores is 1/7, 4/7, 2/7.
	features := []float32{0, float32(math.Log(4)), float32(math.Log(2))}
	const draws = 20000
	var counts [3]float64
	for n := range draws {
		choice, err := policy.Decide(p, features, 11, uint32(n), false)
		if err != nil {
			t.Fatal(err)
		}
		counts[choice.Chosen]++
	}
	for i, want := range []float64{1.0 / 7, 4.0 / 7, 2.0 / 7} {
		// Five standard deviations of a binomial.
		if got := counts[i] / draws; math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/draws) {
			t.Errorf("candidate %d chosen with frequency %v, expected %v", i, got, want)
		}
	}
}

// vectorPolicy returns a linear policy with the given weights.
func vectorPolicy(tb testing.TB, weights ...float32) policy.Policy {
	tb.Helper()
	p, err := policy.FromTensors([]policy.Tensor{{Name: "weight", Shape: []int{len(weights)}, Data: weights}})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestGreedyTakesTheFirstOfTheBest(t *testing.T) {
	t.Parallel()
	p := vectorPolicy(t, 1)
	for _, test := range []struct {
		features []float32
		want     int
	}{
		{[]float32{5}, 0},
		{[]float32{0, 0, 0}, 0},
		{[]float32{-1, 3, 2, 3}, 1},
		// The difference is lost in the log-probabilities, not in the scores.
		{[]float32{0, 1e-9}, 1},
	} {
		choice, err := policy.Decide(p, test.features, 0, 0, true)
		if err != nil || choice.Chosen != test.want {
			t.Errorf("greedy among %v: %d (%v), expected %d", test.features, choice.Chosen, err, test.want)
		}
	}
}

func TestLargeScoresGiveFiniteLogProbabilities(t *testing.T) {
	t.Parallel()
	p := vectorPolicy(t, 1e30)
	c := policy.Choices{Width: 1, Features: []float32{1, -1, 1, 5e7, -5e7}, Offsets: []int{0, 3, 5}, Chosen: []int32{2, 0}}
	var act policy.Activations
	p.Forward(&act, c)
	gradient := make([]float32, 1)
	p.Backward(gradient, &act, c, []float32{1, 1}, []float32{1, 1})
	if got := act.LogProb[0]; math.Abs(float64(got)+math.Ln2) > 1e-6 {
		t.Errorf("log-probability of one of two equal candidates is %v", got)
	}
	if act.LogProb[1] != 0 || act.Entropy[1] != 0 {
		t.Errorf("a certain choice has log-probability %v and entropy %v", act.LogProb[1], act.Entropy[1])
	}
	if g := gradient[0]; g != g {
		t.Error("gradient is not a number")
	}
}

func TestDivergedPolicyIsAnError(t *testing.T) {
	t.Parallel()
	p := vectorPolicy(t, math.MaxFloat32)
	for _, greedy := range []bool{true, false} {
		if _, err := policy.Decide(p, []float32{100, 1}, 0, 0, greedy); !errors.Is(err, policy.ErrDiverged) {
			t.Errorf("greedy %v: %v, expected %v", greedy, err, policy.ErrDiverged)
		}
	}
}

func TestDecideRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	p := vectorPolicy(t, 1, 2)
	nan := float32(math.NaN())
	for _, features := range [][]float32{nil, {1}, {1, 2, 3}, {1, nan}, {float32(math.Inf(1)), 0}} {
		if _, err := policy.Decide(p, features, 0, 0, false); !errors.Is(err, policy.ErrChoices) {
			t.Errorf("features %v: %v, expected %v", features, err, policy.ErrChoices)
		}
	}
}
