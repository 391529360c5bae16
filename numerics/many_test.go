package numerics_test

import (
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
)

// Wherever an argument stands, alone or among others, and whatever is beside
// it, its exponential has the bits of Exp.
func TestExpToHasTheBitsOfExp(t *testing.T) {
	t.Parallel()
	random := numerics.NewStream(1)
	x := []float64{
		0, math.Copysign(0, -1), 1, -1, 706.9, 707, 707.1, -706.9, -707, -707.1, 709.7, 709.8, -708.5, -744, -745.2, -746,
		math.Inf(1), math.Inf(-1), math.NaN(), math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64,
	}
	for range 20000 {
		x = append(x, 4*random.Float64()-2, 1500*random.Float64()-750, math.Float64frombits(random.Uint64()))
	}
	for from := 0; from < len(x); {
		to := min(len(x), from+random.IntN(40))
		got := make([]float64, to-from)
		numerics.ExpTo(got, x[from:to])
		for i, v := range x[from:to] {
			if want := numerics.Exp(v); math.Float64bits(got[i]) != math.Float64bits(want) && !(got[i] != got[i] && want != want) {
				t.Errorf("e^%v among %d is %v, alone %v", v, to-from, got[i], want)
			}
		}
		from = to
	}
}

func TestExpToWritesOverItsArguments(t *testing.T) {
	t.Parallel()
	x := []float64{1, 2, 3, 4, 5, 800, 6}
	want := make([]float64, len(x))
	numerics.ExpTo(want, x)
	numerics.ExpTo(x, x)
	for i := range x {
		if x[i] != want[i] {
			t.Errorf("element %d is %v, apart %v", i, x[i], want[i])
		}
	}
}
