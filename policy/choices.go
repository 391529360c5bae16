package policy

import (
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// ErrChoices is wrapped by every error about decisions that a policy cannot
// take.
var ErrChoices = errors.New("invalid decisions")

// ChoicesOf is a batch of D decisions. Decision d chooses among the candidates
// in rows Offsets[d] to Offsets[d+1], the end excluded.
type ChoicesOf[T numerics.Float] struct {
	Width    int     // features of a row
	Features []T     // rows x Width, row by row
	Offsets  []int   // D+1 row numbers, the first 0, the last the number of rows
	Chosen   []int32 // D indices, each within its decision; nil when nothing is chosen yet
}

// Choices is a batch of decisions in float32.
type Choices = ChoicesOf[float32]

// Len returns the number of decisions.
func (c ChoicesOf[T]) Len() int { return max(len(c.Offsets)-1, 0) }

// Rows returns the number of candidates of all decisions together.
func (c ChoicesOf[T]) Rows() int {
	if len(c.Offsets) == 0 {
		return 0
	}
	return c.Offsets[len(c.Offsets)-1]
}

// Validate returns an error that wraps ErrChoices unless a policy of the shape
// can take the decisions: rows as wide as the shape, at least one candidate a
// decision, finite features, chosen indices within their decisions.
func (c ChoicesOf[T]) Validate(shape Shape) error {
	if c.Width != shape.Features {
		return fmt.Errorf("%w: rows have %d features, the policy takes %d", ErrChoices, c.Width, shape.Features)
	}
	if len(c.Offsets) == 0 || c.Offsets[0] != 0 {
		return fmt.Errorf("%w: offsets must begin with 0", ErrChoices)
	}
	if rows := c.Rows(); rows < 0 || len(c.Features)/c.Width != rows || len(c.Features)%c.Width != 0 {
		return fmt.Errorf("%w: %d features are not %d rows of %d", ErrChoices, len(c.Features), rows, c.Width)
	}
	if c.Chosen != nil && len(c.Chosen) != c.Len() {
		return fmt.Errorf("%w: %d choices for %d decisions", ErrChoices, len(c.Chosen), c.Len())
	}
	for d := range c.Len() {
		candidates := c.Offsets[d+1] - c.Offsets[d]
		if candidates < 1 {
			return fmt.Errorf("%w: decision %d has no candidates", ErrChoices, d)
		}
		if c.Chosen != nil && (c.Chosen[d] < 0 || int(c.Chosen[d]) >= candidates) {
			return fmt.Errorf("%w: decision %d chose %d of %d candidates", ErrChoices, d, c.Chosen[d], candidates)
		}
	}
	for i, v := range c.Features {
		if !finite(v) {
			return fmt.Errorf("%w: feature %d of row %d is %v", ErrChoices, i%c.Width, i/c.Width, v)
		}
	}
	return nil
}

// finite reports whether v is neither infinite nor NaN.
func finite[T numerics.Float](v T) bool { return v-v == 0 }

// mustFit panics when the lengths of c do not fit a policy of so many features.
func (c ChoicesOf[T]) mustFit(features int) {
	if c.Width != features || len(c.Features) != c.Rows()*c.Width {
		panic("policy: features do not fit the policy")
	}
	if c.Chosen != nil && len(c.Chosen) != c.Len() {
		panic("policy: choices do not fit the decisions")
	}
}
