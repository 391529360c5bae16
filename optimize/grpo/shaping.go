package grpo

// Overlong is DAPO's soft penalty of long completions (Yu et al. 2025, equation
// 13): nothing up to MaxLength-Buffer tokens, then linearly down to -Factor at
// MaxLength and beyond. It is added to the reward.
type Overlong struct {
	MaxLength int
	Buffer    int // at least 1
	Factor    float64
}

// Penalty returns what is added to the reward of a completion of length tokens.
func (o Overlong) Penalty(length int) float64 {
	over := float64(length-(o.MaxLength-o.Buffer)) / float64(o.Buffer)
	return -float64(min(max(over, 0), 1) * o.Factor)
}

// MaskTruncated clears the mask of the rollouts that ended at a limit, as TRL's
// mask_truncated_completions does: they teach nothing, and their rewards stay
// in the baseline of their group.
func MaskTruncated(mask []bool, l Layout, truncated []bool) {
	for j, cut := range truncated {
		if cut {
			first, last := l.RowsOf(j)
			clear(mask[l.RowOffsets[first]:l.RowOffsets[last]])
		}
	}
}
