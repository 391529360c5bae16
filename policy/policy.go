// Package policy holds what is trained: functions that score the candidates of
// a decision from their features and choose among them by softmax.
//
// A policy knows no reward and no advantage. Forward gives the log-probability
// of each choice and the entropy of each decision; Backward takes the
// gradients with respect to those two and adds the gradient of the weights.
// Both have the same bits on every machine, and a decision has the same bits
// alone or in any batch.
//
// Everything is generic over the floating-point type, so that gradients can be
// checked at float64 on the very code that trains at float32. What is trained,
// stored and served is float32: Policy is Of[float32], Choices is
// ChoicesOf[float32], and so on.
package policy

import (
	"fmt"

	"github.com/cohort-rl/cohort/numerics"
)

// Of scores the candidates of decisions. It is safe for concurrent reads
// as long as nobody writes to its weights, which change only through Weights.
type Of[T numerics.Float] interface {
	Shape() Shape

	// Weights returns the policy's own weights: what is written to Flat changes
	// the policy.
	Weights() WeightsOf[T]

	// Forward fills dst for the decisions of c. It panics when c does not fit
	// the policy; see ChoicesOf.Validate.
	Forward(dst *ActivationsOf[T], c ChoicesOf[T])

	// Backward adds to grad, which is laid out as Weights().Flat, the gradient
	// of a loss whose gradients with respect to act.LogProb and act.Entropy are
	// dLogProb and dEntropy. Both have one element a decision; dEntropy may be
	// nil. act must hold the result of Forward for the same c under the same
	// weights, and is used as scratch memory: it serves as often as wanted.
	//
	// Every element of grad is a sum in T over the rows of c in their order,
	// begun with what grad held. So decisions passed in several calls, in order,
	// give the bits of one call.
	Backward(grad []T, act *ActivationsOf[T], c ChoicesOf[T], dLogProb, dEntropy []T)
}

// Policy is a policy with float32 weights.
type Policy = Of[float32]

// New returns a policy with the initial weights of the seed. See NewOf.
func New(shape Shape, seed uint64) (Policy, error) { return NewOf[float32](shape, seed) }

// NewOf returns a policy with its initial weights. A linear policy begins with
// zeros. An mlp begins with a first layer, bias included, that is uniform in
// (-1/sqrt(features), 1/sqrt(features)), and with an output layer of zeros. So
// every new policy chooses uniformly.
func NewOf[T numerics.Float](shape Shape, seed uint64) (Of[T], error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	switch shape.Kind {
	case Linear:
		return newLinear[T](shape), nil
	case MLP:
		p := newMLP[T](shape)
		p.initialise(seed)
		return p, nil
	}
	return nil, fmt.Errorf("make policy: %w", unknownKind(shape.Kind))
}
