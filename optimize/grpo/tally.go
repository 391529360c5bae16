package grpo

import "math/bits"

// The sums of a Tally. Unless it says rows, a sum goes over tokens.
const (
	sumTokens        = iota // that the mask lets through
	sumRows                 // with such a token
	sumLoss                 // the loss, weighted
	sumPolicyLoss           // the loss without the entropy bonus, weighted
	sumKL                   // divergence, times the ratio where it is weighted
	sumEntropy              // entropy
	sumEntropyKept          // tokens that the entropy mask lets through
	sumEntropyActive        // entropy of those
	sumBelow                // ratio held at a lower bound
	sumAbove                // ratio held at an upper bound, positive advantage
	sumDual                 // ratio held at an upper bound, negative advantage
	sumOutside              // ratio outside the bounds, whatever the advantage
	sumRowsBelow            // rows: share of tokens held at a lower bound
	sumRowsAbove            // rows: the same at an upper bound, positive advantage
	sumRatio                // ratio
	sumOldDrift             // logpi_old - logpi
	sumGammaRows            // rows: VESPO's weight
	sumRawWeight            // weight before it is bounded
	sumWeight               // correction weight
	sumWeightSquare         // its square
	sumWeightRows           // rows: correction weight of the row
	sumWeightZero           // tokens whose correction weight is 0
	sumSamplingDrift        // |logpi_old - logpi_sampling|
	sumOffPolicyRows        // rows dropped as off policy
	sumCount
)

// The extremes of a Tally, each over rows or tokens.
const (
	leastBelow  = iota // share of a row's tokens held at a lower bound
	leastWeight        // correction weight
	leastCount
)

const (
	mostAbove         = iota // share of a row's tokens held at an upper bound
	mostWeight               // correction weight
	mostSamplingDrift        // |logpi_old - logpi_sampling|
	mostCount
)

// Tally is what Evaluate counts and adds over one group. Tallies are plain
// numbers that travel with a gradient shard; they are added by Combine alone.
type Tally struct {
	Sums  [sumCount]float64   `json:"sums"`
	Least [leastCount]float64 `json:"least"`
	Most  [mostCount]float64  `json:"most"`
}

// Loss returns the part of the loss that the tally covers.
func (t Tally) Loss() float64 { return t.Sums[sumLoss] }

// MeanEntropy returns the mean entropy of the tokens that the entropy mask lets
// through, what AdaptiveEntropy follows.
func (t Tally) MeanEntropy() float64 { return ratio(t.Sums[sumEntropyActive], t.Sums[sumEntropyKept]) }

// MeanKL returns the mean divergence per token, what AdaptiveKL follows.
func (t Tally) MeanKL() float64 { return ratio(t.Sums[sumKL], t.Sums[sumTokens]) }

// Combine adds tallies in the tree of numerics.Tree, one leaf each. So the
// tallies of aligned subtrees, combined elsewhere, combine to the same bits.
func Combine(tallies []Tally) Tally {
	switch len(tallies) {
	case 0:
		return Tally{}
	case 1:
		return tallies[0]
	}
	left := 1 << (bits.Len(uint(len(tallies)-1)) - 1)
	t := Combine(tallies[:left])
	t.add(Combine(tallies[left:]))
	return t
}

func (t *Tally) add(o Tally) {
	if o.Sums[sumRows] == 0 {
		return // Nothing was counted, so its extremes are none.
	}
	if t.Sums[sumRows] == 0 {
		*t = o
		return
	}
	for i, v := range o.Sums {
		t.Sums[i] += v
	}
	for i, v := range o.Least {
		t.Least[i] = min(t.Least[i], v)
	}
	for i, v := range o.Most {
		t.Most[i] = max(t.Most[i], v)
	}
}

// least lowers an extreme to a row's; the first row sets it.
func (t *Tally) least(i int, v float64, first bool) {
	if first || v < t.Least[i] {
		t.Least[i] = v
	}
}

// most raises an extreme to a row's; the first row sets it.
func (t *Tally) most(i int, v float64, first bool) {
	if first || v > t.Most[i] {
		t.Most[i] = v
	}
}

// ratio is a/b, 0 where b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
