package checkpoint

import (
	"fmt"

	"github.com/cohort-rl/cohort/policy"
)

// Policy is the policy that the arrays are the weights of.
func Policy(arrays []Array) (policy.Policy, error) {
	tensors := make([]policy.Tensor, len(arrays))
	for i, a := range arrays {
		if a.F32 == nil {
			return nil, fmt.Errorf("%w: weights %q are not of type F32", ErrInvalid, a.Name)
		}
		tensors[i] = policy.Tensor{Name: a.Name, Shape: a.Shape, Data: a.F32}
	}
	return policy.FromTensors(tensors)
}

// Arrays are the weights of a policy.
func Arrays(w policy.Weights) []Array {
	arrays := make([]Array, len(w.Tensors))
	for i, t := range w.Tensors {
		arrays[i] = Array{Name: t.Name, Shape: t.Shape, F32: t.Data}
	}
	return arrays
}
