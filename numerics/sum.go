package numerics

import "math"

// lanes is the number of partial sums of Sum, Dot and LogSumExp. Element i is
// added to lane i mod 16; the lanes are then added in halves, 8 to 8, 4 to 4,
// 2 to 2, 1 to 1.
const lanes = 16

// half is how many lanes fit into registers at once.
const half = lanes / 2

// Sum returns the sum of x in 16 fixed lanes of float64.
func Sum[T Float](x []T) float64 {
	low, high := sumHalf(x, 0), sumHalf(x, half)
	return foldLanes(&low, &high)
}

// Dot returns the inner product of x and y in 16 fixed lanes of T. It panics
// when their lengths differ.
func Dot[T Float](x, y []T) T {
	if len(x) != len(y) {
		panic("numerics: Dot of slices of different lengths")
	}
	low, high := dotHalf(x, y, 0), dotHalf(x, y, half)
	return foldLanes(&low, &high)
}

// LogSumExp returns log(sum(e^x)) without overflow, its sum in 16 fixed lanes
// of float64. It is -Inf when x is empty, and NaN when x holds a NaN.
func LogSumExp[T Float](x []T) T {
	most := math.Inf(-1)
	for _, v := range x {
		if v != v {
			return v
		}
		most = max(most, float64(v))
	}
	if most < -math.MaxFloat64 || most > math.MaxFloat64 {
		return T(most)
	}
	var low, high [half]float64
	for i, v := range x {
		e := exp(float64(v) - most)
		if lane := i % lanes; lane < half {
			low[lane] += e
		} else {
			high[lane-half] += e
		}
	}
	return T(most + log(foldLanes(&low, &high)))
}

// sumHalf returns the eight lanes that begin at lane first.
func sumHalf[T Float](x []T, first int) [half]float64 {
	var s0, s1, s2, s3, s4, s5, s6, s7 float64
	i := first
	for ; i+half <= len(x); i += lanes {
		v := x[i : i+half : i+half]
		s0 += float64(v[0])
		s1 += float64(v[1])
		s2 += float64(v[2])
		s3 += float64(v[3])
		s4 += float64(v[4])
		s5 += float64(v[5])
		s6 += float64(v[6])
		s7 += float64(v[7])
	}
	s := [half]float64{s0, s1, s2, s3, s4, s5, s6, s7}
	for lane := 0; i+lane < len(x); lane++ {
		s[lane] += float64(x[i+lane])
	}
	return s
}

// dotHalf returns the eight lanes that begin at lane first.
func dotHalf[T Float](x, y []T, first int) [half]T {
	var s0, s1, s2, s3, s4, s5, s6, s7 T
	i := first
	for ; i+half <= len(x); i += lanes {
		v, w := x[i:i+half:i+half], y[i:i+half:i+half]
		s0 += T(v[0] * w[0])
		s1 += T(v[1] * w[1])
		s2 += T(v[2] * w[2])
		s3 += T(v[3] * w[3])
		s4 += T(v[4] * w[4])
		s5 += T(v[5] * w[5])
		s6 += T(v[6] * w[6])
		s7 += T(v[7] * w[7])
	}
	s := [half]T{s0, s1, s2, s3, s4, s5, s6, s7}
	for lane := 0; i+lane < len(x); lane++ {
		s[lane] += T(x[i+lane] * y[i+lane])
	}
	return s
}

func foldLanes[T Float](low, high *[half]T) T {
	a0, a1, a2, a3 := low[0]+high[0], low[1]+high[1], low[2]+high[2], low[3]+high[3]
	a4, a5, a6, a7 := low[4]+high[4], low[5]+high[5], low[6]+high[6], low[7]+high[7]
	b0, b1, b2, b3 := a0+a4, a1+a5, a2+a6, a3+a7
	return (b0 + b2) + (b1 + b3)
}
