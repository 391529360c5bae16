package policy

import (
	"errors"
	"fmt"
)

// The kinds of policies.
const (
	// Linear scores a candidate by the inner product of its features with one
	// vector of weights, without bias: softmax does not change when all scores
	// do alike.
	Linear = "linear"
	// MLP scores a candidate by one hidden layer of rectified units with biases
	// and an output layer without.
	MLP = "mlp"
)

// Bounds of a shape.
const (
	MaxFeatures = 1 << 16
	MaxHidden   = 1 << 16
	MaxWeights  = 1 << 26 // 256 MiB in float32
)

// ErrShape is wrapped by every error about a shape that cannot be.
var ErrShape = errors.New("invalid policy shape")

// Shape says which function a policy is, without its weights.
type Shape struct {
	Kind     string `json:"kind"`             // Linear or MLP
	Features int    `json:"features"`         // numbers that describe one candidate
	Hidden   int    `json:"hidden,omitempty"` // units of the hidden layer, MLP only
}

// Validate returns an error that wraps ErrShape and names the field when no
// policy can have the shape.
func (s Shape) Validate() error {
	if s.Kind != Linear && s.Kind != MLP {
		return unknownKind(s.Kind)
	}
	if s.Features < 1 || s.Features > MaxFeatures {
		return fmt.Errorf("%w: features is %d, allowed are 1 to %d", ErrShape, s.Features, MaxFeatures)
	}
	if s.Kind == Linear {
		if s.Hidden != 0 {
			return fmt.Errorf("%w: hidden is %d, a linear policy has no hidden units", ErrShape, s.Hidden)
		}
		return nil
	}
	if s.Hidden < 1 || s.Hidden > MaxHidden {
		return fmt.Errorf("%w: hidden is %d, allowed are 1 to %d", ErrShape, s.Hidden, MaxHidden)
	}
	if n := s.Size(); n > MaxWeights {
		return fmt.Errorf("%w: %d features and %d hidden units make %d weights, at most %d are allowed",
			ErrShape, s.Features, s.Hidden, n, MaxWeights)
	}
	return nil
}

// Size returns the number of weights of a valid shape.
func (s Shape) Size() int {
	if s.Kind == Linear {
		return s.Features
	}
	return s.Hidden * (s.Features + 2)
}

func unknownKind(kind string) error {
	return fmt.Errorf("%w: kind is %q, allowed are %q and %q", ErrShape, kind, Linear, MLP)
}
