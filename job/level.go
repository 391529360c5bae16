package job

import (
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// level reports whether usable rollouts of a group are worth the same to the
// spec's estimator, as they were rewarded, before the learner takes anything
// from that. Where the estimator normalises each reward by itself, so are they
// compared: if their sum is constant, they may still teach.
func level(usable []Outcome, s *spec.Spec) bool {
	e, err := s.GRPO.Advantage.AsEstimator()
	if err != nil || e.Composition != grpo.NormalizeThenSum {
		return equalSums(usable)
	}
	rewards := grpo.Rewards{}
	for _, c := range s.Reward.Components {
		rewards.Weights = append(rewards.Weights, c.Weight)
	}
	rewards.Functions = len(rewards.Weights)
	for _, o := range usable {
		parts := o.Rewards
		if rewards.Functions == 0 {
			parts = []*float64{o.Reward}
		} else if len(parts) != rewards.Functions {
			return equalSums(usable) // A build that knew only sums collected them.
		}
		for _, p := range parts {
			value := 0.0
			if p != nil {
				value = *p
			}
			rewards.Values, rewards.Valid = append(rewards.Values, value), append(rewards.Valid, p != nil)
		}
	}
	return e.Level(rewards, new(grpo.Scratch))
}

// equalSums reports whether all have the same reward.
func equalSums(usable []Outcome) bool {
	for _, o := range usable {
		if *o.Reward != *usable[0].Reward {
			return false
		}
	}
	return true
}
