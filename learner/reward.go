package learner

import (
	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// reward makes the advantages from the rewards of the samples and from what the
// spec takes from them.
func (b *trainingBatch) reward(samples []batch.Sample) error {
	s := b.learner.spec
	values := make([]float64, len(samples))
	for i := range samples {
		values[i] = samples[i].Reward
	}
	names, columns := []string{s.Reward.Name}, [][]float64{values}
	if b.objective.KL.InReward {
		penalties, err := b.divergence()
		if err != nil {
			return err
		}
		names, columns = append(names, "kl_penalty"), append(columns, penalties)
	}
	lengths := b.lengths()
	if o := s.GRPO.Overlong; o != nil {
		soft := grpo.Overlong{MaxLength: o.MaxLength, Buffer: o.Buffer, Factor: o.Factor}
		penalties := make([]float64, len(samples))
		for i, n := range lengths {
			penalties[i] = soft.Penalty(n)
		}
		names, columns = append(names, "overlong_penalty"), append(columns, penalties)
	}
	b.rewards = grpo.Rewards{Functions: len(columns), Names: names}
	for i := range samples {
		for _, column := range columns {
			b.rewards.Values = append(b.rewards.Values, column[i])
		}
	}
	b.spread = make([]float64, b.layout.Groups())
	return grpo.AdvantagesTo(b.tokens.Advantages, b.spread, b.learner.recipe.estimator, b.rewards, b.layout, lengths, new(grpo.Scratch))
}

// divergence is what the divergence takes from each reward. It notes the mean
// per decision that the mask lets through.
func (b *trainingBatch) divergence() ([]float64, error) {
	penalties := make([]float64, b.layout.Rollouts())
	k, t := b.objective.KL, b.tokens
	if err := grpo.RewardKLTo(penalties, k, b.layout, t.Old, t.Reference, t.Mask); err != nil {
		return nil, err
	}
	estimates := make([]float32, b.layout.Tokens())
	if err := grpo.DivergenceTo(estimates, k, t.Old, t.Reference, t.Mask); err != nil {
		return nil, err
	}
	wide := make([]float64, len(estimates))
	for i, v := range estimates {
		wide[i] = float64(v)
	}
	if n := grpo.Count(b.layout, t.Mask, 0, b.layout.Groups()).Tokens; n > 0 {
		b.drift = numerics.Sum(wide) / float64(n)
	}
	return penalties, nil
}
