package spec

import (
	"cmp"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// lossRules are the relations between fields of the loss.
func lossRules() []rule {
	return []rule{
		{[]string{"grpo.clip_high", "grpo.algorithm"}, func(s *Spec) string {
			return unless(s.GRPO.Algorithm != "gmpo" || s.GRPO.high() <= 20,
				"%g is above 20: gmpo clips logarithms of ratios, and e^20 bounds nothing", s.GRPO.high())
		}},
		{[]string{"grpo.clip_dual", "grpo.clip_high"}, func(s *Spec) string {
			return unless(s.GRPO.ClipDual == 0 || s.GRPO.ClipDual > 1+s.GRPO.high(),
				"%g is not above 1 + grpo.clip_high, which is %g: it would undercut that clip", s.GRPO.ClipDual, 1+s.GRPO.high())
		}},
		{[]string{"grpo.max_length", "grpo.aggregation", "grpo.algorithm"}, func(s *Spec) string {
			used := s.GRPO.aggregation()
			return unless(s.GRPO.MaxLength == 0 || used == string(grpo.SequenceSumNorm),
				"has no effect with the aggregation %s; set grpo.aggregation: sequence_sum_norm, or leave it out", used)
		}},
		{[]string{"grpo.accumulate", "grpo.minibatches"}, func(s *Spec) string {
			return unless(s.GRPO.Minibatches%s.GRPO.Accumulate == 0,
				"%d does not divide grpo.minibatches (%d): the optimizer's steps would weigh differently", s.GRPO.Accumulate, s.GRPO.Minibatches)
		}},
		{[]string{"grpo.correction", "grpo.correction.level", "grpo.correction.off_policy"}, func(s *Spec) string {
			c := s.GRPO.Correction
			return unless(c == nil || c.Level != "" || c.OffPolicy > 0, "corrects nothing; set level or off_policy, or leave it out")
		}},
		{[]string{"grpo.correction.level", "grpo.old"}, func(s *Spec) string {
			c := s.GRPO.Correction
			return unless(c == nil || c.Level == "" || s.GRPO.Old != "sampling",
				"with grpo.old: sampling the ratio is taken to the policy that drew the samples already, and every weight would be 1")
		}},
		{[]string{"grpo.correction.level", "grpo.algorithm"}, func(s *Spec) string {
			c := s.GRPO.Correction
			return unless(c == nil || c.Level != string(grpo.CorrectToken) || s.GRPO.Algorithm != "gmpo",
				"token contradicts gmpo, whose rollouts have one value and so one weight; use sequence or sequence_mean")
		}},
		{[]string{"grpo.correction.min", "grpo.correction.max"}, func(s *Spec) string {
			c := s.GRPO.Correction
			if c == nil || c.Level == "" {
				return ""
			}
			return unless(c.Min < c.Max, "%g is not below grpo.correction.max (%g)", c.Min, c.Max)
		}},
	}
}

// aggregation is the kind that is used.
func (g *GRPO) aggregation() string {
	row, err := grpo.Algorithm(g.Algorithm)
	if err != nil {
		return g.Aggregation
	}
	return cmp.Or(g.Aggregation, string(row.Aggregation.Kind))
}

// high is the upper clip, 0 where the algorithm has none.
func (g *GRPO) high() float64 {
	if g.ClipHigh == nil {
		return 0
	}
	return *g.ClipHigh
}
