package policy

import (
	"errors"
	"fmt"
	"slices"
)

// ErrTensors is wrapped by every error about tensors that are no policy.
var ErrTensors = errors.New("invalid policy tensors")

// FromTensors returns a policy with a copy of the tensors, in any order. Its
// shape follows from their names and shapes: a vector named weight is linear,
// layer1.weight, layer1.bias and layer2.weight are an mlp. Elements that are
// not finite are refused.
func FromTensors(tensors []Tensor) (Policy, error) {
	shape, err := shapeOf(tensors)
	if err != nil {
		return nil, err
	}
	p, err := New(shape, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTensors, err)
	}
	want := p.Weights().Tensors
	if len(tensors) != len(want) {
		return nil, fmt.Errorf("%w: %d tensors, a policy of kind %s has %d", ErrTensors, len(tensors), shape.Kind, len(want))
	}
	for _, w := range want {
		t, err := find(tensors, w.Name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(t.Shape, w.Shape) || len(t.Data) != len(w.Data) {
			return nil, fmt.Errorf("%w: %s has shape %v and %d elements, expected %v", ErrTensors, t.Name, t.Shape, len(t.Data), w.Shape)
		}
		for i, v := range t.Data {
			if !finite(v) {
				return nil, fmt.Errorf("%w: element %d of %s is %v", ErrTensors, i, t.Name, v)
			}
		}
		copy(w.Data, t.Data)
	}
	return p, nil
}

func shapeOf(tensors []Tensor) (Shape, error) {
	if t, err := find(tensors, "weight"); err == nil {
		if len(t.Shape) != 1 {
			return Shape{}, fmt.Errorf("%w: weight has shape %v, expected one dimension", ErrTensors, t.Shape)
		}
		return Shape{Kind: Linear, Features: t.Shape[0]}, nil
	}
	t, err := find(tensors, "layer1.weight")
	if err != nil {
		return Shape{}, fmt.Errorf("%w, nor one named %q", err, "weight")
	}
	if len(t.Shape) != 2 {
		return Shape{}, fmt.Errorf("%w: layer1.weight has shape %v, expected two dimensions", ErrTensors, t.Shape)
	}
	return Shape{Kind: MLP, Features: t.Shape[1], Hidden: t.Shape[0]}, nil
}

// find returns the tensor of that name.
func find(tensors []Tensor, name string) (Tensor, error) {
	i := slices.IndexFunc(tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, fmt.Errorf("%w: no tensor is named %q", ErrTensors, name)
	}
	return tensors[i], nil
}
