package offline

import (
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// An Interval is an estimate of a mean, and the ends of its confidence interval
// of 95 percent, from the normal approximation over threads.
type Interval struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// An Estimate says what a policy would earn on held-out threads, which another
// one decided.
type Estimate struct {
	Threads int `json:"threads"`
	Tasks   int `json:"tasks"`
	// Logged is the mean reward of the threads as they were.
	Logged Interval `json:"logging_policy"`
	// Trained is the inverse-propensity estimate of the policy's mean reward:
	// unbiased, the mean of weight times reward. Normalised divides by the mean
	// weight instead, which is less scattered and slightly biased.
	Trained    Interval `json:"trained_policy"`
	Normalised Interval `json:"trained_policy_normalised"`
	// Gain is Trained less Logged, thread by thread.
	Gain Interval `json:"gain"`
	// Effective is how many threads the weights leave, (sum w)^2 / sum w^2.
	Effective float64 `json:"effective_threads"`
}

// z is the 97.5 percent point of the normal distribution.
const z = 1.959963984540054

// Evaluate estimates what a policy would earn on the threads of tasks. The weight
// of a thread is how much likelier the policy makes all its decisions than the
// policy that made them did. Of fewer than two threads there is no estimate.
func Evaluate(p policy.Policy, tasks []*Task) (*Estimate, error) {
	e := &Estimate{Tasks: len(tasks)}
	var rewards, weights, earned, gains []float64
	var a policy.Activations
	for i, t := range tasks {
		for k := range t.Threads {
			s, err := t.Threads[k].Sample(i, i, k, p.Shape().Features)
			if err != nil {
				return nil, err
			}
			if err := s.Choices.Validate(p.Shape()); err != nil {
				return nil, fmt.Errorf("thread %q: %w", t.Threads[k].Thread, err)
			}
			p.Forward(&a, s.Choices)
			ratio := 0.0
			for d := range s.LogProbs {
				ratio += float64(a.LogProb[d]) - float64(s.LogProbs[d])
			}
			w := numerics.Exp(ratio)
			rewards, weights, earned, gains = append(rewards, s.Reward), append(weights, w), append(earned, w*s.Reward), append(gains, w*s.Reward-s.Reward)
		}
	}
	if e.Threads = len(rewards); e.Threads < 2 {
		return nil, nil //nolint:nilnil // of one thread there is no interval
	}
	e.Logged, e.Trained, e.Gain = interval(rewards), interval(earned), interval(gains)
	sum := numerics.Sum(weights)
	squares := make([]float64, len(weights))
	residues := make([]float64, len(weights))
	if sum > 0 {
		mean := numerics.Sum(earned) / sum
		for i, w := range weights {
			squares[i] = w * w
			residues[i] = mean + w*(rewards[i]-mean)*float64(e.Threads)/sum // the delta method
		}
		e.Normalised, e.Effective = interval(residues), sum*sum/numerics.Sum(squares)
	}
	return e, nil
}

// interval is the mean of values and its confidence interval.
func interval(values []float64) Interval {
	n := float64(len(values))
	mean := numerics.Sum(values) / n
	squares := make([]float64, len(values))
	for i, v := range values {
		squares[i] = (v - mean) * (v - mean)
	}
	half := z * math.Sqrt(numerics.Sum(squares)/(n-1)/n)
	return Interval{mean, mean - half, mean + half}
}
