package policy_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// part returns decisions begin to end of c as a batch of their own.
func part(c policy.Choices, begin, end int) policy.Choices {
	out := policy.Choices{Width: c.Width, Chosen: c.Chosen[begin:end]}
	first := c.Offsets[begin]
	for _, o := range c.Offsets[begin : end+1] {
		out.Offsets = append(out.Offsets, o-first)
	}
	out.Features = c.Features[first*c.Width : c.Offsets[end]*c.Width]
	return out
}

// join returns the decisions of all batches in one.
func join(batches []policy.Choices) policy.Choices {
	out := policy.Choices{Width: batches[0].Width, Offsets: []int{0}}
	for _, b := range batches {
		first := out.Rows()
		for _, o := range b.Offsets[1:] {
			out.Offsets = append(out.Offsets, first+o)
		}
		out.Features = append(out.Features, b.Features...)
		out.Chosen = append(out.Chosen, b.Chosen...)
	}
	return out
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestDecisionHasSameBitsAloneAndInAnyBatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		shape := drawShape(rt)
		s := numerics.NewStream(rapid.Uint64().Draw(rt, "seed"))
		p := randomPolicy[float32](t, shape, s)
		c := randomChoices[float32](s, rapid.IntRange(1, 12).Draw(rt, "decisions"), shape.Features, 30)
		var whole, act policy.Activations
		p.Forward(&whole, c)

		order := rapid.Permutation(indices(c.Len())).Draw(rt, "order")
		batches := make([]policy.Choices, 0, c.Len())
		for _, d := range order {
			alone := part(c, d, d+1)
			batches = append(batches, alone)
			p.Forward(&act, alone)
			if !sameBits(act.LogProb, whole.LogProb[d:d+1]) || !sameBits(act.Entropy, whole.Entropy[d:d+1]) {
				rt.Fatalf("decision %d alone: %v and %v, in a batch %v and %v",
					d, act.LogProb, act.Entropy, whole.LogProb[d], whole.Entropy[d])
			}
		}
		p.Forward(&act, join(batches))
		for i, d := range order {
			if !sameBits(act.LogProb[i:i+1], whole.LogProb[d:d+1]) || !sameBits(act.Entropy[i:i+1], whole.Entropy[d:d+1]) {
				rt.Fatalf("decision %d has other bits in a permuted batch", d)
			}
		}
	})
}

func indices(n int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = i
	}
	return x
}

func TestGradientHasSameBitsWhereverTheBatchIsCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		shape := drawShape(rt)
		s := numerics.NewStream(rapid.Uint64().Draw(rt, "seed"))
		p := randomPolicy[float32](t, shape, s)
		c := randomChoices[float32](s, rapid.IntRange(1, 16).Draw(rt, "decisions"), shape.Features, 30)
		dLogProb, dEntropy := randomVector[float32](s, c.Len()), randomVector[float32](s, c.Len())
		var act policy.Activations
		whole := make([]float32, shape.Size())
		p.Forward(&act, c)
		p.Backward(whole, &act, c, dLogProb, dEntropy)

		cut := rapid.IntRange(0, c.Len()).Draw(rt, "cut")
		parts := make([]float32, shape.Size())
		for _, r := range [][2]int{{0, cut}, {cut, c.Len()}} {
			p.Forward(&act, part(c, r[0], r[1]))
			p.Backward(parts, &act, part(c, r[0], r[1]), dLogProb[r[0]:r[1]], dEntropy[r[0]:r[1]])
		}
		if !sameBits(whole, parts) {
			rt.Fatalf("cut after %d of %d decisions: %v, whole %v", cut, c.Len(), parts, whole)
		}
	})
}

func TestReusedActivationsGiveSameBits(t *testing.T) {
	t.Parallel()
	shape := policy.Shape{Kind: policy.MLP, Features: 6, Hidden: 5}
	s := numerics.NewStream(3)
	p := randomPolicy[float32](t, shape, s)
	large := randomChoices[float32](s, 40, 6, 30)
	small := randomChoices[float32](s, 3, 6, 4)
	var used, fresh policy.Activations
	p.Forward(&used, large)
	p.Forward(&used, small)
	p.Forward(&fresh, small)
	a, b := make([]float32, shape.Size()), make([]float32, shape.Size())
	p.Backward(a, &used, small, []float32{1, 2, 3}, nil)
	p.Backward(b, &fresh, small, []float32{1, 2, 3}, nil)
	if !sameBits(a, b) || !sameBits(used.LogProb, fresh.LogProb) {
		t.Fatalf("reused activations give %v, fresh ones %v", a, b)
	}
}

func TestForwardAndBackwardDoNotAllocateOnceWarm(t *testing.T) {
	for _, shape := range []policy.Shape{{Kind: policy.Linear, Features: 22}, {Kind: policy.MLP, Features: 22, Hidden: 16}} {
		s := numerics.NewStream(3)
		p := randomPolicy[float32](t, shape, s)
		c := randomChoices[float32](s, 20, 22, 30)
		gradient, dLogProb := make([]float32, shape.Size()), randomVector[float32](s, 20)
		var act policy.Activations
		if n := testing.AllocsPerRun(5, func() {
			p.Forward(&act, c)
			p.Backward(gradient, &act, c, dLogProb, dLogProb)
		}); n != 0 {
			t.Errorf("%s: %v allocations a pass", shape.Kind, n)
		}
	}
}
