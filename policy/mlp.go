package policy

import (
	"math"

	"github.com/cohort-rl/cohort/numerics"
)

// initStream keeps the initial weights apart from what else is drawn from the
// same seed.
const initStream = 0x706f6c696379

// chunk is how many rows the backward pass transposes at a time.
const chunk = 64

// mlp scores a row by w2 . max(0, W1 row + b1).
type mlp[T numerics.Float] struct {
	shape   Shape
	weights WeightsOf[T]
	first   []T // hidden x features
	bias    []T // hidden
	second  []T // hidden
}

func newMLP[T numerics.Float](shape Shape) *mlp[T] {
	p := &mlp[T]{shape: shape, weights: WeightsOf[T]{Flat: make([]T, shape.Size())}}
	p.first = p.weights.add("layer1.weight", shape.Hidden, shape.Features)
	p.bias = p.weights.add("layer1.bias", shape.Hidden)
	p.second = p.weights.add("layer2.weight", 1, shape.Hidden)
	return p
}

func (p *mlp[T]) initialise(seed uint64) {
	bound := 1 / math.Sqrt(float64(p.shape.Features))
	for i, part := range [][]T{p.first, p.bias} {
		stream := numerics.NewStream(seed, initStream, uint64(i))
		for j := range part {
			part[j] = T(float64(bound * (float64(2*stream.Float64()) - 1)))
		}
	}
}

func (p *mlp[T]) Shape() Shape          { return p.shape }
func (p *mlp[T]) Weights() WeightsOf[T] { return p.weights }

func (p *mlp[T]) Forward(dst *ActivationsOf[T], c ChoicesOf[T]) {
	c.mustFit(p.shape.Features)
	units := p.shape.Hidden
	dst.prepare(c, units)
	for r := range dst.scores {
		copy(dst.hidden[r*units:(r+1)*units], p.bias)
	}
	addProducts(dst.hidden, c.Features, p.first, c.Rows(), units, c.Width)
	for i, v := range dst.hidden {
		dst.hidden[i] = max(v, 0)
	}
	for r := range dst.scores {
		dst.scores[r] = numerics.Dot(dst.hidden[r*units:(r+1)*units], p.second)
	}
	dst.softmax(c)
}

func (p *mlp[T]) Backward(grad []T, act *ActivationsOf[T], c ChoicesOf[T], dLogProb, dEntropy []T) {
	c.mustFit(p.shape.Features)
	units, width := p.shape.Hidden, p.shape.Features
	if len(grad) != len(p.weights.Flat) || len(act.hidden) != c.Rows()*units {
		panic("policy: Backward into a gradient of another length, or of another policy")
	}
	act.softmaxBackward(c, dLogProb, dEntropy)
	first, rest := grad[:units*width], grad[units*width:]
	bias, second := rest[:units], rest[units:]
	for begin := 0; begin < c.Rows(); begin += chunk {
		end := min(begin+chunk, c.Rows())
		rows := end - begin
		hidden := act.hidden[begin*units : end*units]
		act.dHidden = resize(act.dHidden, units*rows)
		p.hiddenBackward(act.dHidden, hidden, act.dScores[begin:end], bias, second)
		act.transposed = resize(act.transposed, width*rows)
		transpose(act.transposed, c.Features[begin*width:end*width], rows, width)
		addProducts(first, act.dHidden, act.transposed, units, width, rows)
	}
}

// hiddenBackward fills dHidden (units x rows) with the gradient of the hidden
// layer before its rectifier, and adds the gradients of bias and output layer.
func (p *mlp[T]) hiddenBackward(dHidden, hidden, dScores, bias, second []T) {
	units, rows := len(bias), len(dScores)
	for r, g := range dScores {
		for j, h := range hidden[r*units : (r+1)*units] {
			var d T
			if h > 0 {
				d = T(g * p.second[j])
				bias[j] += d
				second[j] += T(g * h)
			}
			dHidden[j*rows+r] = d
		}
	}
}

// transpose writes x (rows x width) to dst (width x rows).
func transpose[T numerics.Float](dst, x []T, rows, width int) {
	for r := range rows {
		for i, v := range x[r*width : (r+1)*width] {
			dst[i*rows+r] = v
		}
	}
}
