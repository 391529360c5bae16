package numerics_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
)

// TestBitsOfThisVersion fails when any function gives other bits than the
// numerics version promises, on whatever machine it runs.
func TestBitsOfThisVersion(t *testing.T) {
	t.Parallel()
	hash := sha256.New()
	put := func(v float64) { hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v))) }
	stream := numerics.NewStream(5, 7, 9)
	x, y := make([]float32, 1000), make([]float32, 1000)
	for i := range x {
		u := float64(40*stream.Float64()) - 20
		put(numerics.Exp(u))
		put(numerics.Log(u * u))
		put(numerics.Sigmoid(u))
		put(numerics.CosPi(u))
		x[i], y[i] = float32(u), numerics.Exp(float32(u))
		put(float64(y[i]))
		put(float64(numerics.Log(y[i])))
	}
	put(numerics.Sum(x))
	put(float64(numerics.Dot(x, y)))
	put(float64(numerics.LogSumExp(x)))
	const want = "84b71e135b6d600433c440bc95345c9e502e7e0f790b7606bc16c8ee4a0cffed"
	if got := hex.EncodeToString(hash.Sum(nil)); numerics.Version != "cohort-1" || got != want {
		t.Errorf("numerics %s gives bits %s, want %s of cohort-1", numerics.Version, got, want)
	}
}
