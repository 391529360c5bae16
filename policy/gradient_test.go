package policy_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// The loss of these tests is the sum of LogProb and Entropy weighed by random
// coefficients, so its gradient is what Backward promises.
func loss[T numerics.Float](p policy.Of[T], c policy.ChoicesOf[T], dLogProb, dEntropy []T) float64 {
	var act policy.ActivationsOf[T]
	p.Forward(&act, c)
	var sum float64
	for d, g := range dLogProb {
		sum += float64(g * act.LogProb[d])
		if dEntropy != nil {
			sum += float64(dEntropy[d] * act.Entropy[d])
		}
	}
	return sum
}

// randomPolicy draws a policy whose weights are all different from zero.
func randomPolicy[T numerics.Float](tb testing.TB, shape policy.Shape, s *numerics.Stream) policy.Of[T] {
	tb.Helper()
	p, err := policy.NewOf[T](shape, s.Uint64())
	if err != nil {
		tb.Fatal(err)
	}
	for i := range p.Weights().Flat {
		p.Weights().Flat[i] += T(s.Float64() - 0.5)
	}
	return p
}

func randomVector[T numerics.Float](s *numerics.Stream, n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(2*s.Float64() - 1)
	}
	return x
}

func drawShape(t *rapid.T) policy.Shape {
	shape := policy.Shape{Kind: rapid.SampledFrom([]string{policy.Linear, policy.MLP}).Draw(t, "kind")}
	shape.Features = rapid.IntRange(1, 24).Draw(t, "features")
	if shape.Kind == policy.MLP {
		shape.Hidden = rapid.IntRange(1, 19).Draw(t, "hidden")
	}
	return shape
}

func TestGradientAgreesWithCentralDifferences(t *testing.T) {
	t.Parallel()
	for _, shape := range []policy.Shape{
		{Kind: policy.Linear, Features: 1},
		{Kind: policy.Linear, Features: 22},
		{Kind: policy.MLP, Features: 1, Hidden: 1},
		{Kind: policy.MLP, Features: 5, Hidden: 7},
		{Kind: policy.MLP, Features: 22, Hidden: 16},
	} {
		for _, entropy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %d-%d entropy %v", shape.Kind, shape.Features, shape.Hidden, entropy), func(t *testing.T) {
				t.Parallel()
				checkGradient(t, shape, entropy)
			})
		}
	}
}

func checkGradient(t *testing.T, shape policy.Shape, entropy bool) {
	t.Helper()
	s := numerics.NewStream(uint64(shape.Size()))
	p := randomPolicy[float64](t, shape, s)
	c := randomChoices[float64](s, 30, shape.Features, 9)
	dLogProb := randomVector[float64](s, c.Len())
	var dEntropy []float64
	if entropy {
		dEntropy = randomVector[float64](s, c.Len())
	}
	var act policy.ActivationsOf[float64]
	p.Forward(&act, c)
	got := make([]float64, shape.Size())
	p.Backward(got, &act, c, dLogProb, dEntropy)

	flat := p.Weights().Flat
	const h = 1e-6
	for i, w := range flat {
		flat[i] = w + h
		up := loss(p, c, dLogProb, dEntropy)
		flat[i] = w - h
		down := loss(p, c, dLogProb, dEntropy)
		flat[i] = w
		want := (up - down) / (2 * h)
		if math.Abs(got[i]-want) > 1e-6*(1+math.Abs(want)) {
			t.Errorf("gradient of weight %d: got %v, central difference %v", i, got[i], want)
		}
	}
}

// The float32 instance trains; the float64 instance is what central
// differences check.
func TestFloat32AgreesWithFloat64(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		shape := drawShape(rt)
		s := numerics.NewStream(rapid.Uint64().Draw(rt, "seed"))
		p := randomPolicy[float32](t, shape, s)
		c := randomChoices[float32](s, 10, shape.Features, 30)
		dLogProb, dEntropy := randomVector[float32](s, c.Len()), randomVector[float32](s, c.Len())
		var act policy.Activations
		p.Forward(&act, c)
		gradient := make([]float32, shape.Size())
		p.Backward(gradient, &act, c, dLogProb, dEntropy)

		wide, err := policy.NewOf[float64](shape, 0)
		if err != nil {
			rt.Fatal(err)
		}
		copy(wide.Weights().Flat, widen(p.Weights().Flat))
		wideChoices := policy.ChoicesOf[float64]{Width: c.Width, Features: widen(c.Features), Offsets: c.Offsets, Chosen: c.Chosen}
		var wideAct policy.ActivationsOf[float64]
		wide.Forward(&wideAct, wideChoices)
		wideGradient := make([]float64, shape.Size())
		wide.Backward(wideGradient, &wideAct, wideChoices, widen(dLogProb), widen(dEntropy))

		for name, pair := range map[string][2][]float64{
			"log-probability": {widen(act.LogProb), wideAct.LogProb},
			"entropy":         {widen(act.Entropy), wideAct.Entropy},
			"gradient":        {widen(gradient), wideGradient},
		} {
			for i, want := range pair[1] {
				if got := pair[0][i]; math.Abs(got-want) > 2e-5*(1+math.Abs(want)) {
					rt.Errorf("%s %d: float32 gives %v, float64 %v", name, i, got, want)
				}
			}
		}
	})
}

func widen(x []float32) []float64 {
	wide := make([]float64, len(x))
	for i, v := range x {
		wide[i] = float64(v)
	}
	return wide
}
