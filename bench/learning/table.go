package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/cohort-rl/cohort/bench/learning/trainer"
)

// tolerance is how far below the reference a mean may be.
const tolerance = 0.015

// result is what was measured of a subject.
type result struct {
	subject
	at        []int
	curves    []trainer.Curve
	reference map[int]float64 // by step; not every step has one
}

// printTable writes a Markdown table of some steps, the last among them, and
// returns those after which a mean is too low.
func printTable(w io.Writer, results []result) (behind []string) {
	fmt.Fprintf(w, "| spec | steps | success | spread over %d seeds | reference | difference |\n|---|---|---|---|---|---|\n", len(results[0].curves))
	for _, r := range results {
		for i, step := range r.at {
			if last := r.at[len(r.at)-1]; !slices.Contains([]int{20, 50, 100, 200, last}, step) {
				continue
			}
			mean, spread := trainer.Mean(r.curves, i)
			want, ok := r.reference[step]
			if !ok {
				fmt.Fprintf(w, "| %s | %d | %.4f | %.4f | | |\n", r.name, step, mean, spread)
				continue
			}
			fmt.Fprintf(w, "| %s | %d | %.4f | %.4f | %.4f | %+.4f |\n", r.name, step, mean, spread, want, mean-want)
			if mean < want-tolerance {
				behind = append(behind, fmt.Sprintf("%s after %d steps", r.name, step))
			}
		}
	}
	return behind
}
