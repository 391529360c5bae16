package numerics_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
)

// ulps is the distance of got from the exact value, in units of the last place
// of the float64 nearest to it.
func ulps(got float64, exact *big.Float) float64 {
	near, _ := exact.Float64()
	unit := math.Nextafter(math.Abs(near), math.Inf(1)) - math.Abs(near)
	diff, _ := new(big.Float).SetPrec(200).Sub(new(big.Float).SetPrec(200).SetFloat64(got), exact).Float64()
	return math.Abs(diff) / unit
}

// bigExp sums the Taylor series of e^(x/2^20) and squares it twenty times.
func bigExp(x float64) *big.Float {
	const prec = 300
	arg := new(big.Float).SetPrec(prec).SetFloat64(x)
	arg.SetMantExp(arg, -20)
	sum := new(big.Float).SetPrec(prec).SetInt64(1)
	term := new(big.Float).SetPrec(prec).SetInt64(1)
	for n := int64(1); n < 60; n++ {
		term.Mul(term, arg)
		term.Quo(term, new(big.Float).SetPrec(prec).SetInt64(n))
		sum.Add(sum, term)
	}
	for range 20 {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLog improves the float64 logarithm by Newton steps on bigExp.
func bigLog(x float64) *big.Float {
	const prec = 300
	first := math.Log(x)
	ratio := new(big.Float).SetPrec(prec).SetFloat64(x)
	ratio.Quo(ratio, bigExp(first)) // 1 + d with d near 2^-52
	d := ratio.Sub(ratio, big.NewFloat(1).SetPrec(prec))
	sum := new(big.Float).SetPrec(prec).SetFloat64(first)
	power := new(big.Float).SetPrec(prec).Set(d)
	for n := int64(1); n < 5; n++ {
		term := new(big.Float).SetPrec(prec).Quo(power, big.NewFloat(float64(n)).SetPrec(prec))
		if n%2 == 0 {
			term.Neg(term)
		}
		sum.Add(sum, term)
		power.Mul(power, d)
	}
	return sum
}

func TestExpIsWithinOneUnitOfTheLastPlace(t *testing.T) {
	t.Parallel()
	worst := 0.0
	stream := numerics.NewStream(1)
	for i := range 3000 {
		x := 2*stream.Float64() - 1
		if i%2 == 0 {
			x *= 700
		}
		worst = max(worst, ulps(numerics.Exp(x), bigExp(x)))
	}
	t.Logf("largest error %.3f units", worst)
	if worst > 1 {
		t.Errorf("largest error %.3f units of the last place", worst)
	}
}

func TestLogIsWithinOneUnitOfTheLastPlace(t *testing.T) {
	t.Parallel()
	worst := 0.0
	stream := numerics.NewStream(2)
	for i := range 1500 {
		x := 2 * stream.Float64()
		if i%2 == 0 {
			x = math.Ldexp(x, stream.IntN(2000)-1000)
		}
		if x == 0 || x == 1 {
			continue
		}
		worst = max(worst, ulps(numerics.Log(x), bigLog(x)))
	}
	t.Logf("largest error %.3f units", worst)
	if worst > 1 {
		t.Errorf("largest error %.3f units of the last place", worst)
	}
}

func TestSpecialArguments(t *testing.T) {
	t.Parallel()
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"exp 0", numerics.Exp(0.0), 1},
		{"exp -Inf", numerics.Exp(-inf), 0},
		{"exp +Inf", numerics.Exp(inf), inf},
		{"exp overflow", numerics.Exp(709.79), inf},
		{"exp greatest", numerics.Exp(709.782712893384), 1.7976931348622732e308},
		{"exp underflow", numerics.Exp(-746.0), 0},
		{"exp smallest", numerics.Exp(-745.13), 5e-324},
		{"exp subnormal", numerics.Exp(-720.0), math.Exp(-720)},
		{"exp NaN", numerics.Exp(nan), nan},
		{"log 1", numerics.Log(1.0), 0},
		{"log 0", numerics.Log(0.0), -inf},
		{"log -1", numerics.Log(-1.0), nan},
		{"log +Inf", numerics.Log(inf), inf},
		{"log NaN", numerics.Log(nan), nan},
		{"log subnormal", numerics.Log(5e-324), -1074 * math.Ln2},
		{"sigmoid 0", numerics.Sigmoid(0.0), 0.5},
		{"sigmoid -Inf", numerics.Sigmoid(-inf), 0},
		{"sigmoid +Inf", numerics.Sigmoid(inf), 1},
		{"cospi 0", numerics.CosPi(0), 1},
		{"cospi 1/2", numerics.CosPi(0.5), 0},
		{"cospi 1", numerics.CosPi(1), -1},
		{"cospi -3", numerics.CosPi(-3), -1},
		{"cospi 1e300", numerics.CosPi(1e300), 1},
		{"cospi +Inf", numerics.CosPi(inf), nan},
		{"logsumexp of nothing", numerics.LogSumExp([]float64{}), -inf},
		{"logsumexp of -Inf", numerics.LogSumExp([]float64{-inf, -inf}), -inf},
		{"logsumexp of large", numerics.LogSumExp([]float64{1000, 1000}), 1000 + math.Ln2},
	} {
		if c.got != c.want && !(c.got != c.got && c.want != c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestCosPiAgreesWithTheLibrary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-4, 4).Draw(t, "x")
		if got, want := numerics.CosPi(x), math.Cos(math.Pi*x); math.Abs(got-want) > 4e-15 {
			t.Fatalf("CosPi(%v) = %v, want %v", x, got, want)
		}
	})
}
