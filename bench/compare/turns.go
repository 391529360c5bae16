// Package compare is what benchmarks share that hold Cohort against a baseline in
// one process: turns, medians, and topics of their own on a Kafka.
package compare

import (
	"slices"
)

// Rates are what each round measured, Cohort and the baseline, and the ratio of
// the two (more than 1: Cohort is faster).
type Rates struct {
	Ours, Baseline, Ratios []float64
}

// Turns lets both measure once a round, neither always first.
func Turns(rounds int, ours, baseline func() (float64, error)) (Rates, error) {
	var all Rates
	for round := range rounds {
		var mine, theirs float64
		turns := []func() error{
			func() (err error) { mine, err = ours(); return err },
			func() (err error) { theirs, err = baseline(); return err },
		}
		if round%2 == 1 {
			slices.Reverse(turns)
		}
		for _, turn := range turns {
			if err := turn(); err != nil {
				return all, err
			}
		}
		all.Ours, all.Baseline = append(all.Ours, mine), append(all.Baseline, theirs)
		all.Ratios = append(all.Ratios, mine/theirs)
	}
	return all, nil
}

// Median is the upper median.
func Median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
