package spec

import (
	"fmt"

	"github.com/cohort-rl/cohort/optimize/grpo"
)

// AsEstimator is the estimator that the section asks for. It fails for none
// that was decoded.
func (a Advantage) AsEstimator() (grpo.Estimator, error) {
	e, err := grpo.NamedEstimator(a.Estimator)
	if err != nil {
		return e, fmt.Errorf("grpo.advantage.estimator: %w", err)
	}
	e.Scale, e.DDOF = grpo.Scale(a.Scale), a.DDOF
	e.Singleton, e.Equal = grpo.Degenerate(a.Singleton), grpo.Degenerate(a.Equal)
	e.Epsilon = 0
	if a.Epsilon != nil {
		e.Epsilon = *a.Epsilon
	}
	if err := e.Validate(); err != nil {
		return e, fmt.Errorf("grpo.advantage: %w", err)
	}
	return e, nil
}
