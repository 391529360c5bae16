// Package learner makes a step's new weights from its batch: advantages,
// objective, gradient through the policy, clipping and optimizer. It is pure:
// what comes out is a function of what went in, bit for bit, on any number of
// cores.
package learner

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize"
	"github.com/cohort-rl/cohort/policy"
)

// ErrMismatch says that a checkpoint does not fit the spec.
var ErrMismatch = errors.New("checkpoint does not fit the spec")

// Learner is the state of training between two steps. It is not safe for
// concurrent use.
type Learner struct {
	spec      *spec.Spec
	recipe    recipe
	policy    policy.Policy
	reference policy.Policy // nil without a KL penalty
	optimizer optimize.Optimizer
	control   control
}

// New is the learner of step 0: initial weights from the spec's seed.
func New(s *spec.Spec) (*Learner, error) {
	p, err := policy.New(shapeOf(s), s.Seed)
	if err != nil {
		return nil, fmt.Errorf("make the initial policy: %w", err)
	}
	return begin(s, p)
}

// Warm is a learner of step 0 that begins with the weights of a checkpoint.
func Warm(s *spec.Spec, weights []checkpoint.Array) (*Learner, error) {
	p, err := fitting(s, weights)
	if err != nil {
		return nil, err
	}
	return begin(s, p)
}

// Load is the learner that a checkpoint holds.
func Load(s *spec.Spec, m *checkpoint.Manifest, state *checkpoint.State) (*Learner, error) {
	p, err := fitting(s, state.Weights)
	if err != nil {
		return nil, err
	}
	l, err := begin(s, p)
	if err != nil {
		return nil, err
	}
	if (state.Reference != nil) != (l.reference != nil) {
		return nil, fmt.Errorf("%w: the reference policy of grpo.kl is missing or too much", ErrMismatch)
	}
	if l.reference != nil {
		if l.reference, err = fitting(s, state.Reference); err != nil {
			return nil, err
		}
	}
	if m.Optimizer.Kind != s.Optimizer.Kind {
		return nil, fmt.Errorf("%w: its optimizer is %s, optimizer.kind is %s", ErrMismatch, m.Optimizer.Kind, s.Optimizer.Kind)
	}
	restored := optimize.State{Updates: uint64(m.Optimizer.Updates)} //nolint:gosec // never negative in a manifest of ours; Load checks the rest
	for _, a := range state.Optimizer {
		restored.Slots = append(restored.Slots, optimize.Slot{Name: a.Name, Data: a.F32})
	}
	if err := l.optimizer.Load(restored); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMismatch, err)
	}
	if err := l.control.load(&s.GRPO, state.Control); err != nil {
		return nil, err
	}
	return l, nil
}

func begin(s *spec.Spec, p policy.Policy) (*Learner, error) {
	r, err := recipeOf(s)
	if err != nil {
		return nil, err
	}
	o, err := optimize.New(optimizerOf(s), len(p.Weights().Flat))
	if err != nil {
		return nil, fmt.Errorf("make the optimizer: %w", err)
	}
	l := &Learner{spec: s, recipe: r, policy: p, optimizer: o, control: newControl(&s.GRPO)}
	if s.GRPO.KL.Coefficient > 0 {
		if l.reference, err = policy.FromTensors(p.Weights().Tensors); err != nil {
			return nil, fmt.Errorf("copy the reference policy: %w", err)
		}
	}
	return l, nil
}

func shapeOf(s *spec.Spec) policy.Shape {
	return policy.Shape{Kind: s.Policy.Kind, Features: s.Policy.Features, Hidden: s.Policy.Hidden}
}

func fitting(s *spec.Spec, weights []checkpoint.Array) (policy.Policy, error) {
	p, err := checkpoint.Policy(weights)
	if err != nil {
		return nil, err
	}
	if p.Shape() != shapeOf(s) {
		return nil, fmt.Errorf("%w: its policy is %+v, the spec's is %+v", ErrMismatch, p.Shape(), shapeOf(s))
	}
	return p, nil
}

// Shape is the shape of the policy.
func (l *Learner) Shape() policy.Shape { return l.policy.Shape() }

// WeightsDigest is the digest of the weights, by which they are served.
func (l *Learner) WeightsDigest() blob.Digest { return l.policy.Weights().Digest() }

// Updates is how many updates the optimizer has made.
func (l *Learner) Updates() int {
	return int(l.optimizer.State().Updates) //nolint:gosec // far below 2^63
}

// State is what a checkpoint holds of the learner. It shares its memory: it is
// to be stored before the next step.
func (l *Learner) State() *checkpoint.State {
	state := &checkpoint.State{Weights: checkpoint.Arrays(l.policy.Weights()), Control: l.control.stored(&l.spec.GRPO)}
	if l.reference != nil {
		state.Reference = checkpoint.Arrays(l.reference.Weights())
	}
	for _, slot := range l.optimizer.State().Slots {
		state.Optimizer = append(state.Optimizer, checkpoint.Array{Name: slot.Name, Shape: []int{len(slot.Data)}, F32: slot.Data})
	}
	return state
}

// Clone is a copy that a step may change without harm to l.
func (l *Learner) Clone() (*Learner, error) {
	p, err := policy.FromTensors(l.policy.Weights().Tensors)
	if err != nil {
		return nil, fmt.Errorf("copy the policy: %w", err)
	}
	c, err := begin(l.spec, p)
	if err != nil {
		return nil, err
	}
	if c.control = l.control; l.reference != nil {
		if c.reference, err = policy.FromTensors(l.reference.Weights().Tensors); err != nil {
			return nil, fmt.Errorf("copy the reference policy: %w", err)
		}
	}
	state := l.optimizer.State()
	for i := range state.Slots {
		state.Slots[i].Data = slices.Clone(state.Slots[i].Data)
	}
	if err := c.optimizer.Load(state); err != nil {
		return nil, fmt.Errorf("copy the optimizer: %w", err)
	}
	return c, nil
}
