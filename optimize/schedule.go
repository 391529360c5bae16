package optimize

import (
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/numerics"
)

// Shapes of a schedule after its warm-up.
const (
	ScheduleConstant = "constant"
	ScheduleLinear   = "linear"
	ScheduleCosine   = "cosine"
)

// Schedules returns the names of the shapes.
func Schedules() []string { return []string{ScheduleConstant, ScheduleLinear, ScheduleCosine} }

// Schedule gives the learning rate of every update. The shape falls from Peak
// to Peak*Floor over the updates after the warm-up, as it does in Hugging Face
// transformers; no update of the warm-up has a rate of zero.
type Schedule struct {
	Shape  string  // one of Schedules
	Peak   float64 // the rate after the warm-up
	Floor  float64 // fraction of Peak that linear and cosine fall to, in [0, 1]
	Warmup int     // updates in which the rate rises linearly to Peak
	Total  int     // updates in all; linear and cosine need it
}

// Validate returns an error that names the first field out of its bounds.
func (s Schedule) Validate() error {
	switch {
	case !slices.Contains(Schedules(), s.Shape):
		return fmt.Errorf("schedule shape %q is unknown, want one of %q", s.Shape, Schedules())
	case !(s.Peak >= 0 && s.Peak <= 1e6):
		return fmt.Errorf("schedule peak %v: want a number in [0, 1e6]", s.Peak)
	case !(s.Floor >= 0 && s.Floor <= 1):
		return fmt.Errorf("schedule floor %v: want a number in [0, 1]", s.Floor)
	case s.Warmup < 0:
		return fmt.Errorf("schedule warm-up %d: want 0 or more", s.Warmup)
	case s.Shape != ScheduleConstant && s.Total <= s.Warmup:
		return fmt.Errorf("schedule total %d: %s needs more updates than the warm-up's %d", s.Total, s.Shape, s.Warmup)
	}
	return nil
}

// Rate returns the learning rate of update n, counted from 1. Past Total it
// stays at the floor.
func (s Schedule) Rate(n int) float64 {
	if n <= s.Warmup {
		return s.Peak * float64(max(n, 0)) / float64(s.Warmup)
	}
	fraction := 1.0
	if s.Shape != ScheduleConstant {
		done := min(1, float64(n-1-s.Warmup)/float64(s.Total-s.Warmup))
		fraction = 1 - done
		if s.Shape == ScheduleCosine {
			fraction = float64(0.5 * (1 + numerics.CosPi(done)))
		}
		fraction = s.Floor + float64((1-s.Floor)*fraction)
	}
	return float64(s.Peak * fraction)
}
