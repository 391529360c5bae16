package spec

// penaltyRules are the relations between fields of what is added to the loss.
func penaltyRules() []rule {
	none := func(s *Spec) bool { return s.GRPO.KL.Coefficient == 0 }
	const noPenalty = "has no effect without a penalty; set grpo.kl.coefficient above 0, or leave it out"
	return []rule{
		{[]string{"grpo.kl.kind", "grpo.kl.coefficient"}, func(s *Spec) string {
			return unless(!none(s) || s.GRPO.KL.Kind == "k3", noPenalty)
		}},
		{[]string{"grpo.kl.placement", "grpo.kl.coefficient"}, func(s *Spec) string {
			return unless(!none(s) || s.GRPO.KL.Placement == "loss", noPenalty)
		}},
		{[]string{"grpo.kl.adaptive", "grpo.kl.coefficient"}, func(s *Spec) string {
			return unless(!none(s) || s.GRPO.KL.Adaptive == nil, "multiplies grpo.kl.coefficient, and 0 would stay 0; set where it begins")
		}},
		{[]string{"grpo.kl.sync", "grpo.kl.coefficient"}, func(s *Spec) string {
			return unless(!none(s) || s.GRPO.KL.Sync == nil, noPenalty)
		}},
		{[]string{"grpo.kl.placement", "grpo.advantage.estimator"}, func(s *Spec) string {
			return unless(s.GRPO.KL.Placement != "reward" || s.GRPO.Advantage.Estimator != "gdpo",
				"reward contradicts the estimator gdpo, which gives every part of the reward the same deviation whatever its coefficient; use loss")
		}},
		{[]string{"grpo.entropy", "grpo.entropy.coefficient", "grpo.entropy.top_fraction"}, func(s *Spec) string {
			e := s.GRPO.Entropy
			return unless(e == nil || e.Coefficient > 0 || e.Adaptive != nil || e.TopFraction > 0,
				"does nothing; set coefficient, adaptive or top_fraction, or leave it out")
		}},
		{[]string{"grpo.entropy.adaptive.min", "grpo.entropy.adaptive.max"}, func(s *Spec) string {
			return s.GRPO.Entropy.adapting(func(_ *Entropy, a *AdaptiveEntropy) string {
				return unless(a.Min < a.Max, "%g is not below grpo.entropy.adaptive.max (%g)", a.Min, a.Max)
			})
		}},
		{[]string{"grpo.entropy.coefficient", "grpo.entropy.adaptive.min", "grpo.entropy.adaptive.max"}, func(s *Spec) string {
			return s.GRPO.Entropy.adapting(func(e *Entropy, a *AdaptiveEntropy) string {
				return unless(a.Min >= a.Max || a.Min <= e.Coefficient && e.Coefficient <= a.Max,
					"%g is where it begins, and not in grpo.entropy.adaptive.min to max (%g to %g)", e.Coefficient, a.Min, a.Max)
			})
		}},
	}
}

// adapting applies a rule where the coefficient is adaptive.
func (e *Entropy) adapting(broken func(*Entropy, *AdaptiveEntropy) string) string {
	if e == nil || e.Adaptive == nil {
		return ""
	}
	return broken(e, e.Adaptive)
}
