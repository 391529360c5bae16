package profile

import (
	"slices"
	"time"
)

// span is a set of intervals.
type span struct{ intervals [][2]time.Time }

func (s *span) add(began, ended time.Time) {
	s.intervals = append(s.intervals, [2]time.Time{began, ended})
}

// length is how long at least one of the intervals lasted.
func (s *span) length() time.Duration {
	slices.SortFunc(s.intervals, func(a, b [2]time.Time) int { return a[0].Compare(b[0]) })
	var sum time.Duration
	var until time.Time
	for _, i := range s.intervals {
		if i[0].After(until) {
			until = i[0]
		}
		if i[1].After(until) {
			sum += i[1].Sub(until)
			until = i[1]
		}
	}
	return sum
}
