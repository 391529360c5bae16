package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// reference are the curves that a PyTorch trainer gave.
type reference struct {
	Runs []struct {
		Policy   string       `json:"policy"`
		Features string       `json:"features"`
		Rate     float64      `json:"lr"`
		Curve    [][3]float64 `json:"eval_step_greedy_sampled"`
	} `json:"runs"`
}

func readReference(file string) (r reference, err error) {
	body, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("%w: run it from the root of the repository, or set -reference", err)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", file, err)
	}
	return r, nil
}

// mean is the reference's mean greedy success over its seeds, by step, with the
// learning rate that it was best with.
func (r reference) mean(policy string) map[int]float64 {
	rate := map[string]float64{"linear": 1, "mlp": 0.01}[policy]
	sums, counts := map[int]float64{}, map[int]float64{}
	for _, run := range r.Runs {
		if run.Policy != policy || run.Features != "base" || run.Rate != rate {
			continue
		}
		for _, point := range run.Curve {
			sums[int(point[0])] += point[1]
			counts[int(point[0])]++
		}
	}
	for step, n := range counts {
		sums[step] /= n
	}
	return sums
}
