package grpo

// AggregationKind is how the losses of tokens become one.
type AggregationKind string

// The kinds. Rows and rollouts count where the mask leaves a token.
const (
	TokenMean       AggregationKind = "token_mean"        // sum / tokens
	TokenSum        AggregationKind = "token_sum"         // sum
	SequenceMean    AggregationKind = "sequence_mean"     // mean over rows of sum / length
	SequenceSum     AggregationKind = "sequence_sum"      // mean over rows of the sum
	SequenceSumNorm AggregationKind = "sequence_sum_norm" // sum / (rows * maximum length)
	RolloutMean     AggregationKind = "rollout_mean"      // mean over rollouts of sum / tokens of the rollout
)

// Scope is over what the counts of an aggregation are taken.
type Scope string

// The scopes. They differ when a step has several mini-batches.
const (
	ScopeMiniBatch Scope = "minibatch"
	ScopeBatch     Scope = "batch" // the step's counts, divided by its number of mini-batches
)

// Aggregation says how the losses of tokens become one.
type Aggregation struct {
	Kind  AggregationKind
	Scope Scope
	// CountEmpty counts rows without a token too, as TRL does: a truncated
	// completion that is masked out then still dilutes the others.
	CountEmpty bool
	// LengthEpsilon is added to the length of a row; verl adds 1e-8.
	LengthEpsilon float64
}

// Totals returns the totals that the aggregation needs for a mini-batch, one of
// parts, of a batch.
func (a Aggregation) Totals(batch, miniBatch Totals, parts int) Totals {
	if a.Scope == ScopeMiniBatch {
		return miniBatch
	}
	t := miniBatch
	t.Tokens, t.Rows, t.AllRows, t.Rollouts, t.Parts = batch.Tokens, batch.Rows, batch.AllRows, batch.Rollouts, parts
	return t
}

// weight returns the factor of each token's loss in a row of the given length,
// of a rollout with the given number of tokens.
func (a Aggregation) weight(t Totals, row, rollout int) float64 {
	rows := t.Rows
	if a.CountEmpty {
		rows = t.AllRows
	}
	var divisor float64
	switch a.Kind {
	case TokenMean:
		divisor = float64(t.Tokens)
	case TokenSum:
		divisor = 1
	case SequenceMean:
		divisor = float64(rows) * (float64(row) + a.LengthEpsilon)
	case SequenceSum:
		divisor = float64(rows)
	case SequenceSumNorm:
		divisor = float64(rows) * float64(t.MaxLength)
	case RolloutMean:
		divisor = float64(t.Rollouts) * float64(rollout)
	}
	return float64(max(1, t.Parts)) / divisor
}
