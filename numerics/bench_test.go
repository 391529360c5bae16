package numerics_test

import (
	"testing"

	"github.com/cohort-rl/cohort/numerics"
)

func BenchmarkExp(b *testing.B) {
	x, y := make([]float64, 1024), make([]float64, 1024)
	for i := range x {
		x[i] = float64(i)/512 - 1
	}
	for b.Loop() {
		for i, v := range x {
			y[i] = numerics.Exp(v)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/value")
}

func BenchmarkDot(b *testing.B) {
	x, y := make([]float32, 1024), make([]float32, 1024)
	for b.Loop() {
		numerics.Dot(x, y)
	}
	b.SetBytes(8 * 1024)
}
