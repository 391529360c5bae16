package optimize

import "math"

// adam is Adam (Kingma and Ba 2015, algorithm 1) and AdamW (Loshchilov and
// Hutter 2019, algorithm 2) in the form of torch.optim: the root of the second
// moment is corrected before epsilon is added.
type adam struct {
	config  Config
	updates uint64
	first   []float32 // mean of gradients
	second  []float32 // mean of squared gradients
}

func newAdam(c Config, n int) *adam {
	return &adam{config: c, first: make([]float32, n), second: make([]float32, n)}
}

func (a *adam) Step(weights []float32, gradient []float64, rate float64) {
	mustFit(len(a.first), weights, gradient)
	a.updates++
	c := a.config
	stepSize := rate / (1 - power(c.Beta1, a.updates))
	root := math.Sqrt(1 - power(c.Beta2, a.updates))
	decoupled := c.Kind == KindAdamW
	keep := 1 - float64(rate*c.WeightDecay)
	for i, g := range gradient {
		w := float64(weights[i])
		if decoupled {
			w = float64(w * keep)
		} else {
			g += float64(c.WeightDecay * w)
		}
		m := float64(c.Beta1*float64(a.first[i])) + float64((1-c.Beta1)*g)
		v := float64(c.Beta2*float64(a.second[i])) + float64(float64((1-c.Beta2)*g)*g)
		a.first[i], a.second[i] = float32(m), float32(v)
		weights[i] = float32(w - float64(stepSize*m)/(math.Sqrt(v)/root+c.Epsilon))
	}
}

func (a *adam) State() State {
	return State{Updates: a.updates, Slots: []Slot{
		{Name: "first_moment", Data: a.first},
		{Name: "second_moment", Data: a.second},
	}}
}

func (a *adam) Load(from State) error {
	if err := a.State().load(from); err != nil {
		return err
	}
	a.updates = from.Updates
	return nil
}

// power returns x^n by squaring, with the same bits on every machine.
func power(x float64, n uint64) float64 {
	result := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result = float64(result * x)
		}
		x = float64(x * x)
	}
	return result
}
