package grpo

import (
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// CorrectionLevel is over what an importance weight is taken.
type CorrectionLevel string

// CorrectionMode is what becomes of a weight out of its bounds.
type CorrectionMode string

// The levels and modes. d is logpi_old - logpi_sampling of a token.
const (
	CorrectToken    CorrectionLevel = "token"    // e^d
	CorrectSequence CorrectionLevel = "sequence" // e^(sum of d over the row)
	// CorrectSequenceMean is e^(mean of d): long rows do not mask themselves out.
	CorrectSequenceMean CorrectionLevel = "sequence_mean"

	CorrectTruncate CorrectionMode = "truncate" // held at the bound (TIS)
	CorrectMask     CorrectionMode = "mask"     // 0 (MIS, IcePop)
)

// Correction weighs the policy loss of samples that another policy drew than
// the one at the start of the step. With logpi_old that of the proximal policy
// it is decoupled PPO (Hilton et al. 2022; AReaL). A token whose sampling
// log-probability is NaN was not told and has d = 0. Denominators count tokens
// before any is masked here, so masking does not inflate the gradient.
type Correction struct {
	Level CorrectionLevel // "" for no weights
	Mode  CorrectionMode
	Min   float64 // lower bound of a weight; 0 for none
	Max   float64 // upper bound of a weight
	// OffPolicy, when positive, drops a row whose advantage is negative and
	// whose mean of logpi_sampling - logpi exceeds it (OPSM, DeepSeek-V3.2).
	OffPolicy float64
}

func (c Correction) bounded(w float64) float64 {
	if c.Mode == CorrectMask {
		if w < c.Min || w > c.Max {
			return 0
		}
		return w
	}
	return min(max(w, c.Min), c.Max)
}

// WeightsTo writes the correction weight of every token to dst, one for a level
// of "", 0 where the mask is false. Sums go by the order of tokens.
func WeightsTo[T numerics.Float](dst []T, c Correction, l Layout, old, sampling []T, mask []bool) error {
	if err := c.validate(); err != nil {
		return err
	}
	n := l.Tokens()
	if len(dst) != n || len(old) != n || len(sampling) != n || (mask != nil && len(mask) != n) {
		return fmt.Errorf("%w: correction of %d tokens", ErrLayout, n)
	}
	k := kernel[T]{Objective: Objective{Correction: c}, batch: Batch[T]{Old: old, Sampling: sampling, Mask: mask}}
	for i := range l.Rows() {
		first, last := l.TokensOf(i)
		row := k.rowWeight(first, last)
		for t := first; t < last; t++ {
			switch {
			case mask != nil && !mask[t]:
				dst[t] = 0
			case c.Level == CorrectToken:
				dst[t] = T(k.tokenWeight(t))
			default:
				dst[t] = T(row)
			}
		}
	}
	return nil
}

// drift returns logpi_old - logpi_sampling of token t, 0 where it was not told.
func (k *kernel[T]) drift(t int) float64 {
	d := float64(k.batch.Old[t]) - float64(k.batch.Sampling[t])
	if d != d {
		return 0
	}
	return d
}

func (k *kernel[T]) tokenWeight(t int) float64 {
	return k.Correction.bounded(numerics.Exp(k.drift(t)))
}

// perRow reports whether a row has one weight.
func (c Correction) perRow() bool {
	return c.Level == CorrectSequence || c.Level == CorrectSequenceMean
}

// rowWeight returns the weight of a row, 1 where weights are per token.
func (k *kernel[T]) rowWeight(first, last int) float64 {
	if !k.Correction.perRow() {
		return 1
	}
	return k.Correction.bounded(numerics.Exp(k.rowDrift(first, last)))
}

// rowDrift returns the logarithm of a row's weight before it is bounded.
func (k *kernel[T]) rowDrift(first, last int) float64 {
	sum, n := 0.0, 0
	for t := first; t < last; t++ {
		if k.in(t) {
			sum += k.drift(t)
			n++
		}
	}
	if k.Correction.Level == CorrectSequenceMean && n > 0 {
		sum /= float64(n)
	}
	return sum
}
