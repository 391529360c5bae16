package grpo

import (
	"fmt"
	"math"
	"slices"

	"github.com/cohort-rl/cohort/numerics"
)

// Entropy encourages exploration. The bonus is Coefficient times the mean
// entropy of the tokens that the entropy mask lets through, whatever the
// aggregation of the policy loss.
type Entropy struct {
	Coefficient float64
	// TopFraction, in (0, 1), lets the policy loss through only at the tokens of
	// highest entropy (Wang et al. 2025, Beyond the 80/20 rule); 0 for all. The
	// divergence is not masked.
	TopFraction float64
}

// EntropyThreshold returns the entropy from which the entropy mask lets a token
// through, the linearly interpolated quantile of the tokens that mask lets
// through, and how many tokens reach it. It reuses scratch and returns it. The
// learner puts both into Totals.
func EntropyThreshold[T numerics.Float](e Entropy, entropies []T, mask []bool, scratch []float64) (threshold float64, tokens int, _ []float64) {
	scratch = scratch[:0]
	for t, h := range entropies {
		if mask == nil || mask[t] {
			scratch = append(scratch, float64(h))
		}
	}
	if e.TopFraction == 0 || len(scratch) == 0 {
		return math.Inf(-1), len(scratch), scratch
	}
	slices.Sort(scratch)
	at := float64((1 - e.TopFraction) * float64(len(scratch)-1))
	below := math.Floor(at)
	threshold = scratch[int(below)]
	if next := int(below) + 1; next < len(scratch) {
		threshold += float64((at - below) * (scratch[next] - threshold))
	}
	for _, h := range scratch {
		if h >= threshold {
			tokens++
		}
	}
	return threshold, tokens, scratch
}

// AdaptiveEntropy moves the coefficient of the bonus by Delta a step so that the
// entropy stays near Target, and gives the bonus only while it is not above
// (TRL 1.16; Skywork OR1, He et al. 2025). It is part of the state of a job.
type AdaptiveEntropy struct {
	Target, Delta, Min, Max float64
	Coefficient             float64 // now
	Last                    float64 // the entropy of the last step
}

// Applied returns the coefficient that the next step uses.
func (a AdaptiveEntropy) Applied() float64 {
	if a.Last <= a.Target {
		return a.Coefficient
	}
	return 0
}

// Next returns the controller after a step of the given mean entropy.
func (a AdaptiveEntropy) Next(entropy float64) AdaptiveEntropy {
	if entropy <= a.Target {
		a.Coefficient = min(a.Coefficient+a.Delta, a.Max)
	} else {
		a.Coefficient = max(a.Coefficient-a.Delta, a.Min)
	}
	a.Last = entropy
	return a
}

func (e Entropy) validate() error {
	switch {
	case !(e.Coefficient >= 0 && e.Coefficient <= 100):
		return fmt.Errorf("entropy coefficient %v: want a number in [0, 100]", e.Coefficient)
	case !(e.TopFraction >= 0 && e.TopFraction < 1):
		return fmt.Errorf("entropy top fraction %v: want a number in (0, 1), or 0 for every token", e.TopFraction)
	}
	return nil
}
