package grpo

// Totals is what a loss needs to know of the whole mini-batch, or for some
// aggregations of the whole batch, before any of it is evaluated. The counts of
// shards add up to those of the whole.
type Totals struct {
	Tokens    int // tokens that the mask lets through
	Rows      int // rows with such a token
	AllRows   int // rows
	Rollouts  int // rollouts with such a token
	MaxLength int // the longest completion that is allowed, for dr_grpo

	// EntropyTokens counts the tokens that the entropy mask lets through too,
	// EntropyThreshold is the entropy from which it does (see EntropyThreshold).
	EntropyTokens    int
	EntropyThreshold float64

	// Parts divides the counts: with a batch of several mini-batches whose
	// counts are those of the whole batch, each mini-batch weighs as if it held
	// an equal part. 0 counts as 1.
	Parts int
}

// Count returns the totals of the groups first to last. A nil mask lets every
// token through.
func Count(l Layout, mask []bool, first, last int) Totals {
	var t Totals
	for j := l.GroupOffsets[first]; j < l.GroupOffsets[last]; j++ {
		n := t.Tokens
		firstRow, lastRow := l.RowsOf(j)
		for i := firstRow; i < lastRow; i++ {
			t.AllRows++
			if length := rowLength(l, mask, i); length > 0 {
				t.Rows++
				t.Tokens += length
			}
		}
		if t.Tokens > n {
			t.Rollouts++
		}
	}
	t.EntropyTokens = t.Tokens
	return t
}

// Add returns the totals of both parts. Bounds and thresholds are t's.
func (t Totals) Add(o Totals) Totals {
	t.Tokens += o.Tokens
	t.Rows += o.Rows
	t.AllRows += o.AllRows
	t.Rollouts += o.Rollouts
	t.EntropyTokens += o.EntropyTokens
	return t
}

// LengthsTo writes the number of tokens of each rollout that the mask lets
// through.
func LengthsTo(dst []int, l Layout, mask []bool) {
	for j := range dst {
		dst[j] = rolloutLength(l, mask, j)
	}
}

func rolloutLength(l Layout, mask []bool, j int) int {
	n := 0
	first, last := l.RowsOf(j)
	for i := first; i < last; i++ {
		n += rowLength(l, mask, i)
	}
	return n
}

func rowLength(l Layout, mask []bool, i int) int {
	first, last := l.TokensOf(i)
	if mask == nil {
		return last - first
	}
	n := 0
	for _, in := range mask[first:last] {
		if in {
			n++
		}
	}
	return n
}
