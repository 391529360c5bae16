package spec

// stalenessRules are the relations between the staleness and the loss: what an
// older policy drew must be weighed by what the ratio of the two policies says.
func stalenessRules() []rule {
	return []rule{
		{[]string{"grpo.staleness", "grpo.old", "grpo.correction", "grpo.correction.level"}, func(s *Spec) string {
			return unless(s.GRPO.Staleness == 0 || s.GRPO.Old == "sampling" || s.GRPO.corrects(),
				"%d lets older policies draw the samples, and nothing weighs them; set grpo.old: sampling, or grpo.correction.level", s.GRPO.Staleness)
		}},
		{[]string{"grpo.staleness", "grpo.algorithm", "grpo.correction", "grpo.correction.level"}, func(s *Spec) string {
			return unless(s.GRPO.Staleness == 0 || s.GRPO.Algorithm != "gpg" || s.GRPO.corrects(),
				"%d lets older policies draw the samples, and gpg takes no ratio; set grpo.correction.level, or take another algorithm", s.GRPO.Staleness)
		}},
	}
}

// corrects reports whether samples of another policy are weighed.
func (g *GRPO) corrects() bool { return g.Correction != nil && g.Correction.Level != "" }
