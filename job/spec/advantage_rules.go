package spec

import "slices"

// advantageRules are the relations between fields of advantages.
func advantageRules() []rule {
	return []rule{
		{[]string{"grpo.advantage.scale", "grpo.advantage.estimator"}, func(s *Spec) string {
			a := s.GRPO.Advantage
			return unless(a.Estimator != "gdpo" || a.Scale == "group",
				"%s contradicts the estimator gdpo, which divides each reward by its deviation in the group", a.Scale)
		}},
		{[]string{"grpo.advantage.scale", "grpo.advantage.estimator"}, func(s *Spec) string {
			a := s.GRPO.Advantage
			return unless(a.Scale != "mean" || !slices.Contains([]string{"rloo", "opo", "pass_at_k"}, a.Estimator),
				"mean divides by the mean that was subtracted, and %s subtracts another baseline", a.Estimator)
		}},
		{[]string{"grpo.advantage.scale", "grpo.advantage.estimator"}, func(s *Spec) string {
			a := s.GRPO.Advantage
			return unless(a.Estimator != "pass_at_k" || slices.Contains([]string{"group", "none", "mean"}, a.Scale),
				"%s compares groups with each other, and with pass_at_k only the best of each is not 0; use group or none", a.Scale)
		}},
		{[]string{"grpo.advantage.epsilon", "grpo.advantage.scale", "grpo.advantage.estimator"}, func(s *Spec) string {
			a := s.GRPO.Advantage
			return unless(a.Epsilon == nil || a.Estimator == "grpo" || slices.Contains([]string{"group", "batch", "whiten"}, a.Scale),
				"has no effect with the scale %s, which divides by no deviation; leave it out", a.Scale)
		}},
		{[]string{"grpo.advantage.equal", "grpo.zero_variance"}, func(s *Spec) string {
			return unless(s.GRPO.Advantage.Equal != "formula" || s.GRPO.ZeroVariance == "keep",
				"formula has no effect: groups of equal rewards are dropped; set grpo.zero_variance: keep")
		}},
		{[]string{"grpo.advantage.singleton", "grpo.min_group"}, func(s *Spec) string {
			return unless(s.GRPO.Advantage.Singleton != "formula" || s.GRPO.MinGroup == 1,
				"formula has no effect: groups of one are dropped; set grpo.min_group: 1")
		}},
		{[]string{"grpo.min_group", "grpo.zero_variance"}, func(s *Spec) string {
			return unless(s.GRPO.MinGroup > 1 || s.GRPO.ZeroVariance == "keep",
				"1 has no effect: a group of one has no variance, and such groups are dropped; set grpo.zero_variance: keep")
		}},
		{[]string{"grpo.overlong.buffer", "grpo.overlong.max_length"}, func(s *Spec) string {
			o := s.GRPO.Overlong
			return unless(o == nil || o.Buffer <= o.MaxLength, "is more than grpo.overlong.max_length: the penalty would begin below length 0")
		}},
		{[]string{"grpo.overlong", "grpo.advantage.estimator"}, func(s *Spec) string {
			return unless(s.GRPO.Overlong == nil || s.GRPO.Advantage.Estimator != "gdpo",
				"contradicts the estimator gdpo, which gives every part of the reward the same deviation whatever its factor")
		}},
	}
}
