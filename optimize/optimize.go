// Package optimize turns a gradient into new weights: first-order optimizers,
// clipping by the global norm, and schedules of the learning rate.
//
// Weights and optimizer state are float32, gradients float64. The arithmetic of
// an update is float64 and is rounded once, when it is stored: moments of
// float32 halve the checkpoint, and lose nothing that a relative increment of
// 1 - beta2 = 1e-3 would show. Every update has the same bits on every machine.
package optimize

import (
	"errors"
	"fmt"
	"slices"
)

// ErrState is returned for a state that does not fit the optimizer.
var ErrState = errors.New("optimizer state does not fit")

// ErrNotFinite is returned for a gradient that holds NaN or an infinity.
var ErrNotFinite = errors.New("gradient is not finite")

// Optimizer updates weights in place. It is not safe for concurrent use.
type Optimizer interface {
	// Step moves weights against gradient with the given learning rate. Both
	// have the length the optimizer was made for; Step panics otherwise.
	Step(weights []float32, gradient []float64, rate float64)
	// State returns a view of the state: its slots share memory with the
	// optimizer, so that it can be written out without a copy.
	State() State
	// Load copies a state in. It returns ErrState when names or lengths differ,
	// and changes nothing then.
	Load(State) error
}

// State is all that an optimizer remembers between two steps.
type State struct {
	Updates uint64 // steps taken so far
	Slots   []Slot // in a fixed order
}

// Slot is one named vector of a state, as long as the weights.
type Slot struct {
	Name string
	Data []float32
}

func (s State) load(from State) error {
	if len(s.Slots) != len(from.Slots) {
		return fmt.Errorf("%w: %d slots, want %d", ErrState, len(from.Slots), len(s.Slots))
	}
	for i, slot := range s.Slots {
		got := from.Slots[i]
		if got.Name != slot.Name || len(got.Data) != len(slot.Data) {
			return fmt.Errorf("%w: slot %d is %q of %d values, want %q of %d",
				ErrState, i, got.Name, len(got.Data), slot.Name, len(slot.Data))
		}
	}
	for i, slot := range s.Slots {
		copy(slot.Data, from.Slots[i].Data)
	}
	return nil
}

// Names of the optimizers.
const (
	KindSGD   = "sgd"
	KindAdam  = "adam"
	KindAdamW = "adamw"
)

// Kinds returns the names that New takes.
func Kinds() []string { return []string{KindSGD, KindAdam, KindAdamW} }

// Config chooses an optimizer. Fields that its kind does not use must be zero.
type Config struct {
	Kind        string  // one of Kinds
	Momentum    float64 // sgd: in [0, 1)
	Nesterov    bool    // sgd: look ahead along the momentum
	Beta1       float64 // adam, adamw: in [0, 1)
	Beta2       float64 // adam, adamw: in [0, 1)
	Epsilon     float64 // adam, adamw: added to the root of the second moment
	WeightDecay float64 // sgd, adam: added to the gradient; adamw: decoupled from it
}

// Defaults returns PyTorch's default configuration of a kind.
func Defaults(kind string) (Config, error) {
	switch kind {
	case KindSGD:
		return Config{Kind: kind}, nil
	case KindAdam:
		return Config{Kind: kind, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}, nil
	case KindAdamW:
		return Config{Kind: kind, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.01}, nil
	}
	return Config{}, fmt.Errorf("optimizer kind %q is unknown, want one of %q", kind, Kinds())
}

// Validate returns an error that names the first field out of its bounds.
func (c Config) Validate() error {
	if !slices.Contains(Kinds(), c.Kind) {
		return fmt.Errorf("optimizer kind %q is unknown, want one of %q", c.Kind, Kinds())
	}
	sgd := c.Kind == KindSGD
	for _, f := range []struct {
		name       string
		value      float64
		within, on bool
		allowed    string
	}{
		{"momentum", c.Momentum, c.Momentum >= 0 && c.Momentum < 1, sgd, "in [0, 1)"},
		{"beta1", c.Beta1, c.Beta1 >= 0 && c.Beta1 < 1, !sgd, "in [0, 1)"},
		{"beta2", c.Beta2, c.Beta2 >= 0 && c.Beta2 < 1, !sgd, "in [0, 1)"},
		{"epsilon", c.Epsilon, c.Epsilon > 0 && c.Epsilon <= 1, !sgd, "in (0, 1]"},
		{"weight decay", c.WeightDecay, c.WeightDecay >= 0 && c.WeightDecay <= 1, true, "in [0, 1]"},
	} {
		if f.on && !f.within {
			return fmt.Errorf("optimizer %s %v: want a number %s", f.name, f.value, f.allowed)
		}
		if !f.on && f.value != 0 {
			return fmt.Errorf("optimizer %s %v: %s does not use it, leave it out", f.name, f.value, c.Kind)
		}
	}
	if c.Nesterov && c.Momentum == 0 {
		return errors.New("optimizer nesterov: needs sgd with a momentum above 0")
	}
	return nil
}

// New returns the configured optimizer for n weights, its state all zero.
func New(c Config, n int) (Optimizer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Kind == KindSGD {
		return newSGD(c, n), nil
	}
	return newAdam(c, n), nil
}
