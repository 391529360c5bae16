package coordinator //nolint:testpackage // shares are nobody else's

import (
	"testing"

	"github.com/cohort-rl/cohort/job"
)

// A job's window is its part of the workers' hands, and never none.
func TestWindowIsTheJobsPartOfTheHands(t *testing.T) {
	t.Parallel()
	s := newShares()
	if got := s.window("a"); got != unknownFleet {
		t.Errorf("nobody knows of workers: %d", got)
	}
	s.found(42)
	endA := s.want("a", "normal")
	if got := s.window("a"); got != headroom*42 {
		t.Errorf("alone: %d", got)
	}
	endB, endC := s.want("b", "high"), s.want("c", "low")
	for id, want := range map[string]int{"a": 16, "b": 32, "c": 4} {
		if got := s.window(job.ID(id)); got != want {
			t.Errorf("job %s has %d of twice 42 hands, want %d", id, got, want)
		}
	}
	s.found(3)
	if got := s.window("c"); got != 1 {
		t.Errorf("a low job among others has %d of 3 hands", got)
	}
	for hands := 2; hands < 100; hands++ {
		s.found(hands)
		if got := s.window("b"); got >= hands {
			t.Errorf("one of several jobs has %d of %d hands", got, hands)
		}
	}
	s.found(3)
	again := s.want("b", "high") // another phase of the same job
	endB()
	if got := s.window("b"); got != 2 {
		t.Errorf("a job with one phase less has %d of 3 hands", got)
	}
	again()
	endC()
	endA()
	if len(s.parts) != 0 || len(s.phases) != 0 {
		t.Errorf("%v, %v are left", s.parts, s.phases)
	}
}
