package trainer

import (
	"context"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
)

// play attempts every rollout of a plan, in its order.
func (t *Trainer) play(ctx context.Context, p policy.Policy, plan *job.Plan, tasks []countdown.Task) ([]batch.Sample, error) {
	samples := make([]batch.Sample, plan.Planned())
	for i := range samples {
		group, rollout := plan.At(i)
		line := plan.Tasks[group-plan.First]
		s := &samples[i]
		*s = batch.Sample{
			Group: group, Rollout: rollout, Task: line, Policy: plan.Policy.Weights,
			Choices: policy.Choices{Width: countdown.Width, Offsets: []int{0}},
		}
		seed := plan.Unit.RolloutSeed(t.definition.Spec.Seed, group, rollout)
		solved, err := countdown.Play(ctx, tasks[line], func(_ context.Context, number uint32, features []float32) (int, error) {
			return t.decide(p, s, seed, number, features, plan.Greedy)
		})
		if err != nil {
			return nil, err
		}
		if solved {
			s.Reward = 1
		}
	}
	return samples, nil
}

// decide is policy.Decide without its allocations, and adds the decision to s.
func (t *Trainer) decide(p policy.Policy, s *batch.Sample, seed uint64, number uint32, features []float32, greedy bool) (int, error) {
	rows := len(features) / countdown.Width
	p.Forward(&t.act, policy.Choices{Width: countdown.Width, Features: features, Offsets: []int{0, rows}})
	choice, err := t.act.Choose(0, seed, number, greedy)
	if err != nil {
		return 0, err
	}
	c := &s.Choices
	c.Features = append(c.Features, features...)
	c.Offsets = append(c.Offsets, c.Rows()+rows)
	c.Chosen = append(c.Chosen, int32(choice.Chosen)) //nolint:gosec // at most 36 moves
	s.LogProbs = append(s.LogProbs, choice.LogProb)
	return choice.Chosen, nil
}
