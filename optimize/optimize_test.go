package optimize_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize"
)

// expected is the textbook form of each update, in float64 throughout, for a
// single weight and PyTorch's conventions.
func expected(c optimize.Config, w float64, gradients []float64, rate float64) float64 {
	m, v, b := 0.0, 0.0, 0.0
	for i, g := range gradients {
		n := float64(i + 1)
		switch c.Kind {
		case optimize.KindSGD:
			g += c.WeightDecay * w
			b = c.Momentum*b + g
			if c.Nesterov {
				g += c.Momentum * b
			} else {
				g = b
			}
			w -= rate * g
			continue
		case optimize.KindAdam:
			g += c.WeightDecay * w
		case optimize.KindAdamW:
			w -= rate * c.WeightDecay * w
		}
		m = c.Beta1*m + (1-c.Beta1)*g
		v = c.Beta2*v + (1-c.Beta2)*g*g
		first := m / (1 - math.Pow(c.Beta1, n))
		second := v / (1 - math.Pow(c.Beta2, n))
		w -= rate * first / (math.Sqrt(second) + c.Epsilon)
	}
	return w
}

func configs() []optimize.Config {
	return []optimize.Config{
		{Kind: optimize.KindSGD},
		{Kind: optimize.KindSGD, Momentum: 0.9, WeightDecay: 0.1},
		{Kind: optimize.KindSGD, Momentum: 0.5, Nesterov: true},
		{Kind: optimize.KindAdam, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8},
		{Kind: optimize.KindAdam, Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-4, WeightDecay: 0.1},
		{Kind: optimize.KindAdamW, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.05},
	}
}

func newOptimizer(t interface{ Fatal(...any) }, c optimize.Config, n int) optimize.Optimizer {
	o, err := optimize.New(c, n)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestUpdatesAgreeWithTheirFormulas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(configs()).Draw(t, "config")
		start := rapid.Float32Range(-2, 2).Draw(t, "weight")
		gradients := rapid.SliceOfN(rapid.Float64Range(-3, 3), 1, 30).Draw(t, "gradients")
		weights := []float32{start}
		o := newOptimizer(t, c, 1)
		for _, g := range gradients {
			o.Step(weights, []float64{g}, 0.01)
		}
		want := expected(c, float64(start), gradients, 0.01)
		// A gradient near zero leaves adam's quotient to rounding.
		tolerance := 2e-5
		for _, g := range gradients {
			if math.Abs(g) < 1e-3 {
				tolerance = 0.02
			}
		}
		if got := float64(weights[0]); math.Abs(got-want) > tolerance {
			t.Fatalf("weight %v, want %v", got, want)
		}
	})
}

func TestResumeFromStateHasTheSameBits(t *testing.T) {
	t.Parallel()
	const n, steps = 37, 12
	for _, c := range configs() {
		stream := numerics.NewStream(1)
		gradients := make([][]float64, steps)
		for i := range gradients {
			gradients[i] = make([]float64, n)
			for j := range gradients[i] {
				gradients[i][j] = stream.Float64() - 0.5
			}
		}
		whole, weights := newOptimizer(t, c, n), make([]float32, n)
		for _, g := range gradients {
			whole.Step(weights, g, 0.1)
		}

		first, resumed := newOptimizer(t, c, n), make([]float32, n)
		for _, g := range gradients[:5] {
			first.Step(resumed, g, 0.1)
		}
		second := newOptimizer(t, c, n)
		if err := second.Load(first.State()); err != nil {
			t.Fatal(err)
		}
		for _, g := range gradients[5:] {
			second.Step(resumed, g, 0.1)
		}
		if !slices.Equal(weights, resumed) || second.State().Updates != steps {
			t.Errorf("%+v: resumed weights differ", c)
		}
	}
}

func TestStateOfAnotherShapeIsRefused(t *testing.T) {
	t.Parallel()
	adam := newOptimizer(t, configs()[3], 4)
	for _, state := range []optimize.State{
		newOptimizer(t, configs()[0], 4).State(),
		newOptimizer(t, configs()[3], 5).State(),
		{Slots: []optimize.Slot{{Name: "second_moment", Data: make([]float32, 4)}, {Name: "first_moment", Data: make([]float32, 4)}}},
	} {
		if err := adam.Load(state); !errors.Is(err, optimize.ErrState) {
			t.Errorf("Load of %d slots: %v", len(state.Slots), err)
		}
	}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		config optimize.Config
		want   string
	}{
		{optimize.Config{Kind: "adan"}, `optimizer kind "adan" is unknown, want one of ["sgd" "adam" "adamw"]`},
		{optimize.Config{Kind: "sgd", Beta1: 0.9}, "optimizer beta1 0.9: sgd does not use it, leave it out"},
		{optimize.Config{Kind: "adam", Beta1: 1, Beta2: 0.9, Epsilon: 1e-8}, "optimizer beta1 1: want a number in [0, 1)"},
		{optimize.Config{Kind: "adam", Beta1: 0.9, Beta2: math.NaN(), Epsilon: 1e-8}, "optimizer beta2 NaN: want a number in [0, 1)"},
		{optimize.Config{Kind: "sgd", Nesterov: true}, "optimizer nesterov: needs sgd with a momentum above 0"},
	} {
		if err := c.config.Validate(); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, want %s", c.config, err, c.want)
		}
	}
	for _, kind := range optimize.Kinds() {
		c, err := optimize.Defaults(kind)
		if err != nil || c.Validate() != nil {
			t.Errorf("defaults of %s: %v, %v", kind, err, c.Validate())
		}
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	for _, c := range configs() {
		o, w, g := newOptimizer(t, c, 16), make([]float32, 16), make([]float64, 16)
		if allocs := testing.AllocsPerRun(10, func() { o.Step(w, g, 0.1) }); allocs != 0 {
			t.Errorf("%s: %v allocations", c.Kind, allocs)
		}
	}
}

func TestClipScalesToTheLimit(t *testing.T) {
	t.Parallel()
	g := []float64{3, 4}
	norm, err := optimize.ClipByGlobalNorm(g, 1)
	if err != nil || norm != 5 || math.Abs(g[0]-0.6) > 1e-6 || math.Abs(g[1]-0.8) > 1e-6 {
		t.Errorf("norm %v, gradient %v, error %v", norm, g, err)
	}
	g = []float64{3, 4}
	for _, limit := range []float64{0, 5.1} {
		if norm, err := optimize.ClipByGlobalNorm(g, limit); err != nil || norm != 5 || !slices.Equal(g, []float64{3, 4}) {
			t.Errorf("limit %v: norm %v, gradient %v, error %v", limit, norm, g, err)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(-1)} {
		if _, err := optimize.ClipByGlobalNorm([]float64{1, bad}, 1); !errors.Is(err, optimize.ErrNotFinite) {
			t.Errorf("gradient with %v: %v", bad, err)
		}
	}
}

func TestScheduleRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		schedule optimize.Schedule
		want     map[int]float64
	}{
		{optimize.Schedule{Shape: "constant", Peak: 2}, map[int]float64{1: 2, 1000: 2}},
		{optimize.Schedule{Shape: "constant", Peak: 2, Warmup: 4}, map[int]float64{1: 0.5, 4: 2, 5: 2}},
		{optimize.Schedule{Shape: "linear", Peak: 1, Total: 10}, map[int]float64{1: 1, 6: 0.5, 10: 0.1, 11: 0, 99: 0}},
		{optimize.Schedule{Shape: "linear", Peak: 1, Floor: 0.2, Warmup: 2, Total: 6}, map[int]float64{1: 0.5, 2: 1, 3: 1, 5: 0.6, 7: 0.2}},
		{optimize.Schedule{Shape: "cosine", Peak: 1, Total: 8}, map[int]float64{1: 1, 3: (1 + math.Sqrt2/2) / 2, 5: 0.5, 9: 0}},
	} {
		if err := c.schedule.Validate(); err != nil {
			t.Errorf("%+v: %v", c.schedule, err)
		}
		for n, want := range c.want {
			if got := c.schedule.Rate(n); math.Abs(got-want) > 1e-15 {
				t.Errorf("%+v: rate of update %d is %v, want %v", c.schedule, n, got, want)
			}
		}
	}
	bad := optimize.Schedule{Shape: "cosine", Peak: 1, Warmup: 5, Total: 5}
	if err := bad.Validate(); err == nil {
		t.Error("a cosine without an end is valid")
	}
}
