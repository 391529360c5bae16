package countdown_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/cohort-rl/cohort/examples/countdown"
)

func TestFeaturesAreTheDocumentedOnes(t *testing.T) {
	t.Parallel()
	lg := func(v float64) float64 { return min(math.Log1p(v)/math.Log1p(100), 2) }
	tests := map[string]struct {
		numbers []int
		target  int
		action  countdown.Action
		want    [countdown.Width]float64
	}{
		"difference, three left": {
			[]int{5, 3, 20, 4},
			15,
			countdown.Action{I: 2, J: 0, Operation: countdown.Subtract, Result: 15},
			[...]float64{lg(20), lg(5), lg(15), lg(15), 0, lg(4), lg(3), lg(7), 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1},
		},
		"product, two left, multiple of the target": {
			[]int{7, 2, 3},
			3,
			countdown.Action{I: 1, J: 2, Operation: countdown.Multiply, Result: 6},
			[...]float64{lg(2), lg(3), lg(6), lg(3), lg(3), lg(7), lg(7), lg(10), 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1},
		},
		"quotient, one left, divisor of the target": {
			[]int{4, 1},
			12,
			countdown.Action{I: 0, J: 1, Operation: countdown.Divide, Result: 4},
			[...]float64{lg(4), lg(1), lg(4), lg(12), lg(8), 0, 0, lg(8), 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, -1},
		},
		"zero": {
			[]int{9, 9, 1},
			1,
			countdown.Action{I: 0, J: 1, Operation: countdown.Subtract, Result: 0},
			[...]float64{lg(9), lg(9), 0, lg(1), lg(1), lg(1), lg(1), 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0},
		},
		"sum that reaches the bound of lg": {
			[]int{8000, 8000, 2},
			1000,
			countdown.Action{I: 0, J: 1, Operation: countdown.Add, Result: 16000},
			[...]float64{lg(8000), lg(8000), 2, lg(1000), 2, lg(2), lg(2), 2, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 1},
		},
	}
	for name, test := range tests {
		g := countdown.Game{Numbers: test.numbers, Target: test.target}
		for i, got := range countdown.Features(g, []countdown.Action{test.action}) {
			if math.Abs(float64(got)-test.want[i]) > 1e-7 {
				t.Errorf("%s: feature %d is %v, want %v", name, i, got, test.want[i])
			}
		}
	}
}

// The features of a decision reach the weights, so their bits are part of the
// results that users compare.
func TestFeaturesHaveTheSameBitsOnEveryMachine(t *testing.T) {
	t.Parallel()
	hash := sha256.New()
	for _, task := range heldOut(t) {
		g := task.Start()
		for _, v := range countdown.Features(g, g.Actions()) {
			hash.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	const want = "a0675536878316ea082c9e6ec93a7a38fd490071645e3a45ed4cf68764fb230a"
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("features of the first decisions hash to %s, want %s", got, want)
	}
}
