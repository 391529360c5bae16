package offline_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/offline"
	"github.com/cohort-rl/cohort/policy"
)

// logged are threads of a policy that takes candidate 1 with the chance p, where
// candidate 1 is worth 1 and candidate 0 nothing.
func logged(n int, p float64) []*offline.Task {
	r := numerics.NewStream(5, 1)
	var all []*offline.Task
	for i := range n {
		d, value := offline.Decision{LogProb: float32(numerics.Log(1 - p)), Features: []float32{1, 0, 0, 1}}, 0.0
		if r.Float64() < p {
			d.Chosen, d.LogProb, value = 1, float32(numerics.Log(p)), 1
		}
		all = append(all, &offline.Task{Task: fmt.Sprint(i), Threads: []offline.Thread{{Thread: fmt.Sprint(i), Reward: value, Decisions: []offline.Decision{d}}}})
	}
	return all
}

func TestEstimateCorrectsForWhoLoggedTheTraces(t *testing.T) {
	t.Parallel()
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: 2}, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The policy takes candidate 1 with the chance 1 / (1 + 1/4) = 0.8.
	copy(p.Weights().Flat, []float32{0, float32(numerics.Log(4.0))})
	e, err := offline.Evaluate(p, logged(4000, 0.3))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		got  offline.Interval
		want float64
	}{"logged": {e.Logged, 0.3}, "trained": {e.Trained, 0.8}, "normalised": {e.Normalised, 0.8}, "gain": {e.Gain, 0.5}} {
		if c.want < c.got.Low || c.want > c.got.High || c.got.High-c.got.Low > 0.12 || math.Abs((c.got.Low+c.got.High)/2-c.got.Mean) > 1e-12 {
			t.Errorf("%s is %+v, and in truth %v", name, c.got, c.want)
		}
	}
	if e.Threads != 4000 || e.Tasks != 4000 || e.Effective > 2000 || e.Effective < 1500 {
		t.Errorf("%+v", e)
	}
	if e, err := offline.Evaluate(p, logged(1, 0.3)); e != nil || err != nil {
		t.Errorf("of one thread the estimate is %+v, %v", e, err)
	}
}
