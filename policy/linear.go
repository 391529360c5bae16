package policy

import "github.com/cohort-rl/cohort/numerics"

// linear scores a row by its inner product with one vector.
type linear[T numerics.Float] struct {
	shape   Shape
	weights WeightsOf[T]
	vector  []T // features
}

func newLinear[T numerics.Float](shape Shape) *linear[T] {
	p := &linear[T]{shape: shape, weights: WeightsOf[T]{Flat: make([]T, shape.Size())}}
	p.vector = p.weights.add("weight", shape.Features)
	return p
}

func (p *linear[T]) Shape() Shape          { return p.shape }
func (p *linear[T]) Weights() WeightsOf[T] { return p.weights }

func (p *linear[T]) Forward(dst *ActivationsOf[T], c ChoicesOf[T]) {
	c.mustFit(p.shape.Features)
	dst.prepare(c, 0)
	for r := range dst.scores {
		dst.scores[r] = numerics.Dot(c.Features[r*c.Width:(r+1)*c.Width], p.vector)
	}
	dst.softmax(c)
}

func (p *linear[T]) Backward(grad []T, act *ActivationsOf[T], c ChoicesOf[T], dLogProb, dEntropy []T) {
	c.mustFit(p.shape.Features)
	if len(grad) != len(p.weights.Flat) {
		panic("policy: Backward into a gradient of another length")
	}
	act.softmaxBackward(c, dLogProb, dEntropy)
	for r, g := range act.dScores {
		for i, x := range c.Features[r*c.Width : (r+1)*c.Width] {
			grad[i] += T(g * x)
		}
	}
}
