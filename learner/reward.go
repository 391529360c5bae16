package learner

import (
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// reward makes the advantages from the rewards of the samples and from what the
// spec takes from them.
func (b *trainingBatch) reward(samples []batch.Sample) error {
	s := b.learner.spec
	if err := b.recorded(samples); err != nil {
		return err
	}
	if b.objective.KL.InReward {
		penalties, err := b.divergence()
		if err != nil {
			return err
		}
		b.take("kl_penalty", penalties)
	}
	lengths := b.lengths()
	if o := s.GRPO.Overlong; o != nil {
		soft := grpo.Overlong{MaxLength: o.MaxLength, Buffer: o.Buffer, Factor: o.Factor}
		penalties := make([]float64, len(samples))
		for i, n := range lengths {
			penalties[i] = soft.Penalty(n)
		}
		b.take("overlong_penalty", penalties)
	}
	b.spread = make([]float64, b.layout.Groups())
	return grpo.AdvantagesTo(b.tokens.Advantages, b.spread, b.learner.recipe.estimator, b.rewards, b.layout, lengths, new(grpo.Scratch))
}

// recorded are the rewards of the samples.
func (b *trainingBatch) recorded(samples []batch.Sample) error {
	components := b.learner.spec.Reward.Components
	b.rewards = grpo.Rewards{Functions: 1, Names: []string{b.learner.spec.Reward.Name}, Weights: []float64{1}}
	if len(components) == 0 {
		for i := range samples {
			b.rewards.Values = append(b.rewards.Values, samples[i].Reward)
		}
		return nil
	}
	b.rewards = grpo.Rewards{Functions: len(components)}
	for _, c := range components {
		b.rewards.Names, b.rewards.Weights = append(b.rewards.Names, c.Name), append(b.rewards.Weights, c.Weight)
	}
	for _, s := range samples {
		if len(s.Rewards) != len(components) {
			return fmt.Errorf("rollout %d/%d has %d rewards, reward.components are %d", s.Group, s.Rollout, len(s.Rewards), len(components))
		}
		b.rewards.Values = append(b.rewards.Values, s.Rewards...)
		for _, v := range s.Rewards {
			b.rewards.Valid = append(b.rewards.Valid, !math.IsNaN(v))
		}
	}
	return nil
}

// take adds what is taken from each rollout as one more function.
func (b *trainingBatch) take(name string, penalties []float64) {
	r, k := b.rewards, b.rewards.Functions
	next := grpo.Rewards{Functions: k + 1, Names: append(r.Names, name), Weights: append(r.Weights, 1)}
	for i, p := range penalties {
		next.Values = append(append(next.Values, r.Values[i*k:(i+1)*k]...), p)
		if r.Valid != nil {
			next.Valid = append(append(next.Valid, r.Valid[i*k:(i+1)*k]...), true)
		}
	}
	b.rewards = next
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
