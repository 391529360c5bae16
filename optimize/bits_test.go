package optimize_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize"
)

// TestBitsOfNumerics fails when any update gives other bits than the numerics
// version promises, on whatever machine it runs.
func TestBitsOfNumerics(t *testing.T) {
	t.Parallel()
	const n, steps = 50, 40
	hash := sha256.New()
	for _, c := range configs() {
		s := numerics.NewStream(4)
		o, weights, gradient := newOptimizer(t, c, n), make([]float32, n), make([]float64, n)
		schedule := optimize.Schedule{Shape: optimize.ScheduleCosine, Peak: 0.3, Floor: 0.1, Warmup: 5, Total: steps}
		for step := range steps {
			for i := range gradient {
				gradient[i] = s.Float64() - 0.5
			}
			if _, err := optimize.ClipByGlobalNorm(gradient, 1); err != nil {
				t.Fatal(err)
			}
			o.Step(weights, gradient, schedule.Rate(step+1))
		}
		for _, w := range weights {
			hash.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(w)))
		}
	}
	const want = "6327c5723fbd342edab33a289954a03a37c93470a0e2be9e5bf19a5745c244be"
	if got := hex.EncodeToString(hash.Sum(nil)); numerics.Version != "cohort-1" || got != want {
		t.Errorf("numerics %s gives bits %s, want %s of cohort-1", numerics.Version, got, want)
	}
}
