package optimize

// sgd is stochastic gradient descent as torch.optim.SGD with a dampening of 0:
// b = momentum b + g; w -= rate b, or rate (g + momentum b) with Nesterov.
type sgd struct {
	config  Config
	n       int
	updates uint64
	moment  []float32 // nil without momentum
}

func newSGD(c Config, n int) *sgd {
	s := &sgd{config: c, n: n}
	if c.Momentum > 0 {
		s.moment = make([]float32, n)
	}
	return s
}

func (s *sgd) Step(weights []float32, gradient []float64, rate float64) {
	mustFit(s.n, weights, gradient)
	s.updates++
	for i, w := range weights {
		g := gradient[i] + float64(s.config.WeightDecay*float64(w))
		if s.moment != nil {
			b := float64(s.config.Momentum*float64(s.moment[i])) + g
			s.moment[i] = float32(b)
			if s.config.Nesterov {
				g += float64(s.config.Momentum * b)
			} else {
				g = b
			}
		}
		weights[i] = float32(float64(w) - float64(rate*g))
	}
}

func (s *sgd) State() State {
	state := State{Updates: s.updates}
	if s.moment != nil {
		state.Slots = []Slot{{Name: "momentum", Data: s.moment}}
	}
	return state
}

func (s *sgd) Load(from State) error {
	if err := s.State().load(from); err != nil {
		return err
	}
	s.updates = from.Updates
	return nil
}

func mustFit(n int, weights []float32, gradient []float64) {
	if len(weights) != n || len(gradient) != n {
		panic("optimize: Step of weights or a gradient of another length")
	}
}
