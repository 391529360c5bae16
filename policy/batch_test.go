package policy_test

import (
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// randomChoices draws a batch with 1 to most candidates a decision and
// features in [-1, 1).
func randomChoices[T numerics.Float](s *numerics.Stream, decisions, width, most int) policy.ChoicesOf[T] {
	c := policy.ChoicesOf[T]{Width: width, Offsets: []int{0}}
	for range decisions {
		candidates := 1 + s.IntN(most)
		for range candidates * width {
			c.Features = append(c.Features, T(2*s.Float64()-1))
		}
		c.Offsets = append(c.Offsets, c.Rows()+candidates)
		c.Chosen = append(c.Chosen, int32(s.IntN(candidates)))
	}
	return c
}
