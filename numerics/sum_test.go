package numerics_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/numerics"
)

// inLanes is the definition of the order of Sum and Dot.
func inLanes(x []float64) float64 {
	lanes := make([]float64, 16)
	for i, v := range x {
		lanes[i%16] += v
	}
	for n := 8; n > 0; n /= 2 {
		for i := range n {
			lanes[i] += lanes[i+n]
		}
	}
	return lanes[0]
}

func TestSumAndDotKeepTheOrderOfSixteenLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 70).Draw(t, "n")
		values := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), n, n)
		x, y := values.Draw(t, "x"), values.Draw(t, "y")
		product := make([]float64, n)
		for i := range x {
			product[i] = x[i] * y[i]
		}
		if got, want := numerics.Sum(x), inLanes(x); got != want {
			t.Fatalf("Sum = %v, want %v", got, want)
		}
		if got, want := numerics.Dot(x, y), inLanes(product); got != want {
			t.Fatalf("Dot = %v, want %v", got, want)
		}
	})
}

func TestLogSumExpAgreesWithItsDefinition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-30, 30), 1, 50).Draw(t, "x")
		sum := 0.0
		for _, v := range x {
			sum += math.Exp(v)
		}
		if got, want := numerics.LogSumExp(x), math.Log(sum); math.Abs(got-want) > 1e-12*(1+math.Abs(want)) {
			t.Fatalf("LogSumExp = %v, want %v", got, want)
		}
	})
}

func treeOf(width int, leaves [][]float64) []float64 {
	tree := numerics.NewTree(width)
	for _, leaf := range leaves {
		tree.Push(leaf)
	}
	sum := make([]float64, width)
	tree.Sum(sum)
	return sum
}

func TestTreeOfAlignedShardsHasTheSameBits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const width = 3
		n := rapid.IntRange(0, 40).Draw(t, "leaves")
		leaves := make([][]float64, n)
		for i := range leaves {
			leaves[i] = rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), width, width).Draw(t, "leaf")
		}
		want := treeOf(width, leaves)

		level := rapid.IntRange(0, 5).Draw(t, "level")
		sharded := numerics.NewTree(width)
		for shard := range slices.Chunk(leaves, 1<<level) {
			sharded.PushNode(level, treeOf(width, shard))
		}
		got := make([]float64, width)
		sharded.Sum(got)
		if !slices.Equal(got, want) {
			t.Fatalf("shards of 2^%d leaves give %v, want %v", level, got, want)
		}
	})
}

func TestTreeDoesNotAllocateOnceItWasFull(t *testing.T) {
	tree, leaf, sum := numerics.NewTree(8), make([]float64, 8), make([]float64, 8)
	allocs := testing.AllocsPerRun(10, func() {
		tree.Reset()
		for range 33 {
			tree.Push(leaf)
		}
		tree.Sum(sum)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestTreeRefusesANodeThatIsNotAligned(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	tree := numerics.NewTree(1)
	tree.Push([]float64{1})
	tree.PushNode(1, []float64{1})
}
