package batch

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/traces"
)

// A Judge gives rollouts their rewards.
type Judge struct {
	Scorer reward.Scorer
	// Failure is the reward of a whole trace that has none; nil makes that the
	// fate "no reward".
	Failure *float64
	// Weights is the digest of the weights that the plan names.
	Weights blob.Digest
	// Task is the task of a line of the plan's data set; nil if nobody asks.
	Task func(line int) json.RawMessage
}

// Collect scores the whole traces and returns the samples and the final outcome
// of each planned rollout, both in the order of the plan. A trace without a
// decision is dropped after it was scored. An error, of a scorer that could not
// find out a score, decides nothing.
func (j Judge) Collect(ctx context.Context, a traces.Assembled) ([]Sample, []job.Outcome, error) {
	outcomes := slices.Clone(a.Outcomes)
	var items []reward.Item
	var places []int
	for i := range outcomes {
		if outcomes[i].Reason != "" {
			continue
		}
		item := reward.Item{Trace: &a.Traces[i]}
		if j.Task != nil {
			item.Task = j.Task(a.Traces[i].Task)
		}
		items, places = append(items, item), append(places, i)
	}
	verdicts, err := reward.Judge(ctx, j.Scorer, j.Failure, items)
	if err != nil {
		return nil, nil, fmt.Errorf("collect samples: %w", err)
	}
	var samples []Sample
	for k, i := range places {
		if s := j.settle(&outcomes[i], &a.Traces[i], verdicts[k]); s != nil {
			samples = append(samples, *s)
		}
	}
	return samples, outcomes, nil
}

// settle gives a rollout its outcome, and returns its sample if it has one.
func (j Judge) settle(o *job.Outcome, t *traces.Trace, v reward.Verdict) *Sample {
	if v.Reason == "" && len(t.Decisions) == 0 {
		v.Reason = job.NoDecision
	}
	if v.Reason != "" {
		o.Reason = v.Reason
		if v.Detail != "" {
			o.Detail = v.Detail
		}
		return nil
	}
	s := FromTrace(t, v.Value, j.Weights)
	s.Rewards = v.Parts
	o.Reward, o.Rewards, o.Sample = &s.Reward, parts(s.Rewards), s.Digest()
	return &s
}

// parts are the rewards of a sample as an outcome has them, which is JSON: nil
// for one that was not given.
func parts(rewards []float64) []*float64 {
	var all []*float64
	for i := range rewards {
		p := &rewards[i]
		if math.IsNaN(*p) {
			p = nil
		}
		all = append(all, p)
	}
	return all
}
