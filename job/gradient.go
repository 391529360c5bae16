package job

import (
	"fmt"

	"github.com/cohort-rl/cohort/blob"
)

// GradientTerms say what a gradient shard computes: the sum of the gradients of
// some groups of a mini-batch, an aligned part of the tree in which all of its
// groups are added. They are a pure function of the step's plans and records and
// of the checkpoint that it began from, so all drivers write the same, and hold
// what follows from the whole batch, so a worker reads its own groups alone.
type GradientTerms struct {
	Format string `json:"format"`
	// Shards is how many shards the mini-batch has.
	Shards int `json:"shards"`
	// Start is the checkpoint that the step began from.
	Start Checkpoint `json:"start"`
	// Weights are the pieces of the weights at this update, float32 in the
	// order of the policy's tensors; none if they are still those of Start.
	Weights []blob.Ref `json:"weights,omitempty"`
	// KL and Entropy are the coefficients of this step.
	KL      float64        `json:"kl"`
	Entropy float64        `json:"entropy"`
	Totals  GradientTotals `json:"totals"`
	// Parts are the files that hold the samples.
	Parts []blob.Ref `json:"parts"`
	// Groups are the shard's, in the order of the mini-batch.
	Groups []GradientGroup `json:"groups"`
}

// GradientTotals is what the loss needs to know of the whole mini-batch; the
// fields are those of grpo.Totals.
type GradientTotals struct {
	Tokens           int     `json:"tokens"`
	Rows             int     `json:"rows"`
	AllRows          int     `json:"all_rows"`
	Rollouts         int     `json:"rollouts"`
	MaxLength        int     `json:"max_length"`
	EntropyTokens    int     `json:"entropy_tokens"`
	EntropyThreshold float64 `json:"entropy_threshold"`
	Parts            int     `json:"parts"`
}

// GradientGroup is a group of a gradient shard.
type GradientGroup struct {
	Group int `json:"group"`
	// Part is the place in the terms' Parts of the file that holds it.
	Part int `json:"part"`
	// Rollouts are those that are used, in order, and Advantages theirs.
	Rollouts   []int     `json:"rollouts"`
	Advantages []float32 `json:"advantages"`
}

// Check says why the terms cannot be those of shard s, or nil.
func (t *GradientTerms) Check(s Shard) error {
	if s.Index < 0 || s.Index >= t.Shards {
		return fmt.Errorf("shard %s: its phase has %d shards", s, t.Shards)
	}
	if len(t.Groups) == 0 {
		return fmt.Errorf("read %s: it names no group", s.TermsKey())
	}
	for _, g := range t.Groups {
		if g.Part < 0 || g.Part >= len(t.Parts) || len(g.Rollouts) != len(g.Advantages) || len(g.Rollouts) == 0 {
			return fmt.Errorf("read %s: group %d contradicts itself", s.TermsKey(), g.Group)
		}
	}
	return nil
}

// GradientRecord settles a gradient shard.
type GradientRecord struct {
	Format string     `json:"format"`
	Done   Settlement `json:"done"`
	// Terms is the digest of the bytes of the terms that were met.
	Terms blob.Digest `json:"terms"`
	// Sum are the pieces of what was computed: the counts and sums of the loss
	// and the partial sum of the gradient, float64.
	Sum []blob.Ref `json:"sum,omitempty"`
	// Failure is why there is no gradient: a number of it is not finite.
	Failure string `json:"failure,omitempty"`
}
