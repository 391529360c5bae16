package numerics

import "math"

// Beyond these arguments the exponential overflows, or rounds to zero.
const (
	expMax = 709.782712893384
	expMin = -745.1332191019412
)

// ln2 in two parts. The upper has 21 trailing zero bits, so its product with
// an exponent of at most 11 bits is exact.
const (
	ln2High = 0x1.62e42feep-01
	ln2Low  = 0x1.a39ef35793c76p-33
)

// roundingShift added to a float64 below 2^51 leaves its nearest integer in
// the low bits.
const roundingShift = 0x1.8p52

// Exp returns e^x within one unit in the last place. Exp(NaN) is NaN, Exp(+Inf)
// is +Inf, Exp(-Inf) is 0.
func Exp[T Float](x T) T { return T(exp(float64(x))) }

// exp writes x as k ln2 + r with |r| <= ln2/2 and sums e^r as its Taylor
// polynomial of degree 13, whose remainder is below 2^-57.
func exp(x float64) float64 {
	if !(x <= expMax && x >= expMin) {
		return expBeyond(x)
	}
	shifted := float64(x*math.Log2E) + roundingShift
	k := shifted - roundingShift
	high := x - float64(k*ln2High)
	low := float64(k * ln2Low)
	r := high - low
	square := float64(r * r)

	const (
		c2, c3   = 1.0 / 2, 1.0 / 6
		c4, c5   = 1.0 / 24, 1.0 / 120
		c6, c7   = 1.0 / 720, 1.0 / 5040
		c8, c9   = 1.0 / 40320, 1.0 / 362880
		c10, c11 = 1.0 / 3628800, 1.0 / 39916800
		c12, c13 = 1.0 / 479001600, 1.0 / 6227020800
	)
	even := float64(square*c12) + c10
	even = float64(square*even) + c8
	even = float64(square*even) + c6
	even = float64(square*even) + c4
	even = float64(square*even) + c2
	odd := float64(square*c13) + c11
	odd = float64(square*odd) + c9
	odd = float64(square*odd) + c7
	odd = float64(square*odd) + c5
	odd = float64(square*odd) + c3
	tail := float64(square * (even + float64(r*odd)))
	return scale(1+(high+(tail-low)), int64(k))
}

func expBeyond(x float64) float64 {
	switch {
	case x > expMax:
		return math.Inf(1)
	case x < expMin:
		return 0
	}
	return x // NaN
}

// scale returns y * 2^k for y in [0.5, 2), rounding once, also where the result
// is subnormal.
func scale(y float64, k int64) float64 {
	switch {
	case k > 1023:
		return float64(y * 2 * 0x1p1023)
	case k < -1021:
		return float64(y * math.Float64frombits(uint64(k+1023+64)<<52) * 0x1p-64)
	}
	return float64(y * math.Float64frombits(uint64(k+1023)<<52))
}
