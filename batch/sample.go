// Package batch holds what a step learns from, and what became of all it
// planned.
//
// A [Sample] is a rollout reduced to identity, decisions and reward. Its digest
// is canonical: it does not depend on how, where or by which library version
// the sample is stored. Samples and ledgers are stored as Parquet, which Python
// reads.
package batch

import (
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// A Sample is what one rollout teaches.
type Sample struct {
	Group, Rollout int
	// Task is the line of the data set.
	Task   int
	Reward float64
	// Rewards are what Reward is the weighted sum of, in the order of the spec,
	// NaN for one that was not given; nil where there is one.
	Rewards []float64
	// Policy is the digest of the weights that made the decisions.
	Policy blob.Digest
	// Choices are the decisions, in the order in which they were made.
	Choices policy.Choices
	// LogProbs are the natural logarithms of the probabilities with which the
	// policy chose, one per decision.
	LogProbs []float32
	// Truncated says that the rollout ended at a limit, not by itself.
	Truncated bool
}

// FromTrace is the sample of a whole trace with at least one decision, all of
// one width, made under the given weights.
func FromTrace(t *traces.Trace, reward float64, weights blob.Digest) Sample {
	s := Sample{
		Group: t.Group, Rollout: t.Rollout, Task: t.Task, Reward: reward, Policy: weights,
		Choices: policy.Choices{
			Width:   int(t.Decisions[0].Width),
			Offsets: make([]int, 1, len(t.Decisions)+1),
			Chosen:  make([]int32, len(t.Decisions)),
		},
		LogProbs: make([]float32, len(t.Decisions)),
	}
	c, floats := &s.Choices, 0
	for i := range t.Decisions {
		floats += len(t.Decisions[i].Features)
	}
	c.Features = make([]float32, 0, floats)
	if n := len(t.Events); n > 0 {
		end, _ := t.Events[n-1].Body.(telemetry.End)
		s.Truncated = end.Truncated
	}
	for i, d := range t.Decisions {
		c.Features = append(c.Features, d.Features...)
		c.Offsets = append(c.Offsets, len(c.Features)/c.Width)
		c.Chosen[i] = int32(d.Chosen) //nolint:gosec // telemetry checks it against the number of rows
		s.LogProbs[i] = d.LogProb
	}
	return s
}
