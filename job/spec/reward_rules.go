package spec

import "fmt"

// rewardRules are the relations between fields of rewards.
func rewardRules() []rule {
	return []rule{
		{[]string{"reward.kind", "reward.components"}, func(s *Spec) string {
			return unless(len(s.Reward.Components) == 0 || s.Reward.Kind == "recorded",
				"%s has no effect beside reward.components, which have kinds of their own; leave it out", s.Reward.Kind)
		}},
		{[]string{"reward.name", "reward.components"}, func(s *Spec) string {
			return unless(len(s.Reward.Components) == 0 || s.Reward.Name == "reward",
				"has no effect beside reward.components, which have names of their own; leave it out")
		}},
		{[]string{"reward.failure_score", "reward.components"}, func(s *Spec) string {
			return unless(len(s.Reward.Components) == 0 || s.Reward.FailureScore == nil,
				"belongs to none of reward.components; give it to some of them, or leave it out: a rollout without any of them is no sample")
		}},
		{[]string{"reward.clip_low", "reward.components"}, func(s *Spec) string {
			return unless(len(s.Reward.Components) == 0 || s.Reward.ClipLow == nil, "has no effect beside reward.components; give it to some of them")
		}},
		{[]string{"reward.clip_high", "reward.components"}, func(s *Spec) string {
			return unless(len(s.Reward.Components) == 0 || s.Reward.ClipHigh == nil, "has no effect beside reward.components; give it to some of them")
		}},
		{[]string{"reward.kind", "reward.cel", "reward.json_schema", "reward.http"}, func(s *Spec) string { return incomplete(s.Reward.Sole()) }},
		{[]string{"reward.clip_low", "reward.clip_high"}, func(s *Spec) string { return crossed(s.Reward.Sole()) }},
		{[]string{"reward.components"}, func(s *Spec) string {
			seen := map[string]bool{}
			for _, c := range s.Reward.Components {
				if seen[c.Name] {
					return fmt.Sprintf("%q is there twice: add the weights", c.Name)
				}
				seen[c.Name] = true
				for _, why := range []string{incomplete(c), crossed(c)} {
					if why != "" {
						return fmt.Sprintf("%s: %s", c.Name, why)
					}
				}
			}
			return ""
		}},
	}
}

// incomplete says which section the kind of a reward cannot do without.
func incomplete(c Component) string {
	switch {
	case c.Kind == "cel" && c.CEL == nil:
		return "cel needs the section cel, with an expression"
	case c.Kind == "json_schema" && c.JSONSchema == nil:
		return "json_schema needs the section json_schema, with a schema"
	case c.Kind == "http" && c.HTTP == nil:
		return "http needs the section http, with a url"
	case c.HTTP != nil:
		return urlProblem(c.HTTP.URL)
	}
	return ""
}

func crossed(c Component) string {
	return unless(c.ClipLow == nil || c.ClipHigh == nil || *c.ClipLow < *c.ClipHigh, "clip_low is not below clip_high: every reward would be the same")
}
