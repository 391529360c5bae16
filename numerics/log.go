package numerics

import "math"

// Log returns the natural logarithm within one unit in the last place. Log of
// a negative number or of NaN is NaN, Log(0) is -Inf, Log(+Inf) is +Inf.
func Log[T Float](x T) T { return T(log(float64(x))) }

// log writes x as 2^k (1+f) with 1+f in [sqrt(1/2), sqrt(2)) and, with
// s = f/(2+f), uses log(1+f) = 2 artanh(s) = 2s + s R(s^2). Since
// 2s = f - f^2/2 + s f^2/2, the leading f is kept exact.
func log(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	var k int64
	if x < 0x1p-1022 {
		x *= 0x1p54
		k = -54
	}
	// Adding the distance between 1 and sqrt(1/2) carries into the exponent
	// exactly when the fraction is at least sqrt(2).
	const one, root = 0x3ff0000000000000, 0x3fe6a09e667f3bcd
	bits := math.Float64bits(x) + (one - root)
	k += int64(bits>>52) - 1023
	f := math.Float64frombits(bits&(1<<52-1)+root) - 1

	s := f / (2 + f)
	z := float64(s * s)
	w := float64(z * z)
	const (
		c1, c2  = 2.0 / 3, 2.0 / 5
		c3, c4  = 2.0 / 7, 2.0 / 9
		c5, c6  = 2.0 / 11, 2.0 / 13
		c7, c8  = 2.0 / 15, 2.0 / 17
		c9, c10 = 2.0 / 19, 2.0 / 21
	)
	odd := float64(w*c9) + c7
	odd = float64(w*odd) + c5
	odd = float64(w*odd) + c3
	odd = float64(w*odd) + c1
	even := float64(w*c10) + c8
	even = float64(w*even) + c6
	even = float64(w*even) + c4
	even = float64(w*even) + c2
	r := float64(z * (odd + float64(z*even)))

	half := float64(0.5 * float64(f*f))
	e := float64(k)
	inner := float64(s*(half+r)) + float64(e*ln2Low)
	return float64(e*ln2High) - ((half - inner) - f)
}
