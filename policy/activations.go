package policy

import "github.com/cohort-rl/cohort/numerics"

// ActivationsOf is the result of a forward pass and the memory of the backward
// pass. The zero value is ready; once it has seen the largest batch it does not
// allocate. It is not safe for concurrent use.
type ActivationsOf[T numerics.Float] struct {
	// LogProb is the log-probability of each decision's chosen candidate, empty
	// when the batch had no choices.
	LogProb []T
	// Entropy is the entropy of each decision in nats.
	Entropy []T

	offsets []int // of the batch
	scores  []T   // one a row
	logs    []T   // log-probability of each row
	probs   []T   // probability of each row
	hidden  []T   // rows x hidden units, after the rectifier

	dScores    []T // one a row
	dHidden    []T // hidden units x chunk of rows
	transposed []T // features x chunk of rows
}

// Activations are those of a float32 policy.
type Activations = ActivationsOf[float32]

// prepare makes room for the rows of c.
func (a *ActivationsOf[T]) prepare(c ChoicesOf[T], hidden int) {
	rows := c.Rows()
	a.offsets = append(a.offsets[:0], c.Offsets...)
	a.LogProb = resize(a.LogProb, len(c.Chosen))
	a.Entropy = resize(a.Entropy, c.Len())
	a.scores = resize(a.scores, rows)
	a.logs = resize(a.logs, rows)
	a.probs = resize(a.probs, rows)
	a.hidden = resize(a.hidden, rows*hidden)
}

// resize returns a slice of n elements of any value, s itself where it can.
func resize[T numerics.Float](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
