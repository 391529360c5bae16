package checkpoint

import (
	"math"
	"slices"
)

// A TensorDifference compares two tensors of the same name and part. A tensor
// that one side does not have has no shape there.
type TensorDifference struct {
	Part   string `json:"part"` // weights, reference or optimizer
	Name   string `json:"name"`
	ShapeA []int  `json:"shape_a,omitempty"`
	ShapeB []int  `json:"shape_b,omitempty"`
	Equal  bool   `json:"equal"` // bit for bit
	// Norms are Euclidean, over all elements. Difference is that of b - a, and
	// Cosine that of the angle between them; both are nil unless the shapes are
	// equal, Cosine also where a norm is 0.
	NormA      float64  `json:"norm_a"`
	NormB      float64  `json:"norm_b"`
	Difference *float64 `json:"norm_difference,omitempty"`
	Cosine     *float64 `json:"cosine,omitempty"`
}

// Diff compares two states tensor by tensor, in the order of a and then of what
// b alone has.
func Diff(a, b *State) []TensorDifference {
	var all []TensorDifference
	for _, part := range []struct {
		name string
		a, b []Array
	}{{"weights", a.Weights, b.Weights}, {"reference", a.Reference, b.Reference}, {"optimizer", a.Optimizer, b.Optimizer}} {
		for i := range part.a {
			x := &part.a[i]
			all = append(all, difference(part.name, x, named(part.b, x.Name)))
		}
		for i := range part.b {
			if y := &part.b[i]; named(part.a, y.Name) == nil {
				all = append(all, difference(part.name, nil, y))
			}
		}
	}
	return all
}

func named(arrays []Array, name string) *Array {
	for i := range arrays {
		if arrays[i].Name == name {
			return &arrays[i]
		}
	}
	return nil
}

func difference(part string, a, b *Array) TensorDifference {
	d := TensorDifference{Part: part}
	if a != nil {
		d.Name, d.ShapeA, d.NormA = a.Name, append([]int{}, a.Shape...), a.norm()
	}
	if b != nil {
		d.Name, d.ShapeB, d.NormB = b.Name, append([]int{}, b.Shape...), b.norm()
	}
	if a == nil || b == nil || !slices.Equal(a.Shape, b.Shape) || a.dtype() != b.dtype() {
		return d
	}
	var apart, product float64
	d.Equal = true
	for i := range a.len() {
		x, y := a.at(i), b.at(i)
		apart += (y - x) * (y - x)
		product += x * y
		d.Equal = d.Equal && math.Float64bits(x) == math.Float64bits(y)
	}
	apart = math.Sqrt(apart)
	d.Difference = &apart
	if d.NormA > 0 && d.NormB > 0 {
		cosine := product / (d.NormA * d.NormB)
		d.Cosine = &cosine
	}
	return d
}

func (a *Array) len() int { return max(len(a.F32), len(a.F64)) }

func (a *Array) at(i int) float64 {
	if a.F64 != nil {
		return a.F64[i]
	}
	return float64(a.F32[i])
}

func (a *Array) norm() float64 {
	var sum float64
	for i := range a.len() {
		sum += a.at(i) * a.at(i)
	}
	return math.Sqrt(sum)
}
