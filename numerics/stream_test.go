package numerics_test

import (
	"math"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
)

func TestStreamIsAFunctionOfSeedAndPath(t *testing.T) {
	t.Parallel()
	paths := [][]uint64{nil, {0}, {1}, {0, 0}, {1, 0}, {0, 1}, {1, 2, 3}, {3, 2, 1}}
	seen := map[uint64]bool{}
	for seed := range uint64(4) {
		for _, path := range paths {
			a, b := numerics.NewStream(seed, path...), numerics.NewStream(seed, path...)
			for range 100 {
				v := a.Uint64()
				if v != b.Uint64() {
					t.Fatalf("seed %d path %v: two streams differ", seed, path)
				}
				if seen[v] {
					t.Fatalf("seed %d path %v: number %x came before", seed, path, v)
				}
				seen[v] = true
			}
		}
	}
}

func TestIntNIsUniform(t *testing.T) {
	t.Parallel()
	const n, draws = 7, 70000
	stream := numerics.NewStream(3, 1)
	var counts [n]float64
	for range draws {
		counts[stream.IntN(n)]++
	}
	chi := 0.0
	for _, c := range counts {
		chi += (c - draws/n) * (c - draws/n) / (draws / n)
	}
	if chi > 22.5 { // 0.1 % point for 6 degrees of freedom
		t.Errorf("chi square %.1f, counts %v", chi, counts)
	}
}

func TestFloat64IsUniformInTheUnitInterval(t *testing.T) {
	t.Parallel()
	const draws = 100000
	stream := numerics.NewStream(4)
	sum, square := 0.0, 0.0
	for range draws {
		v := stream.Float64()
		if v < 0 || v >= 1 {
			t.Fatalf("%v is outside [0, 1)", v)
		}
		sum += v
		square += v * v
	}
	if mean := sum / draws; math.Abs(mean-0.5) > 0.004 {
		t.Errorf("mean %v", mean)
	}
	if second := square / draws; math.Abs(second-1.0/3) > 0.004 {
		t.Errorf("second moment %v", second)
	}
}

func TestPermIsAUniformPermutation(t *testing.T) {
	t.Parallel()
	const draws = 60000
	stream := numerics.NewStream(6)
	counts := map[[3]int]float64{}
	for range draws {
		var p [3]int
		stream.Perm(p[:])
		counts[p]++
	}
	chi := 0.0
	for _, c := range counts {
		chi += (c - draws/6) * (c - draws/6) / (draws / 6)
	}
	if len(counts) != 6 || chi > 20.5 { // 0.1 % point for 5 degrees of freedom
		t.Errorf("chi square %.1f, counts %v", chi, counts)
	}
}
