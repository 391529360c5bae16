package numerics

import "math"

// CosPi returns the cosine of pi x, within two units in the last place of 1.
// Halves and integers are exact. CosPi of NaN or an infinity is NaN.
func CosPi(x float64) float64 {
	x = math.Abs(x)
	if x > 0x1p53 {
		if x > math.MaxFloat64 {
			return math.NaN()
		}
		return 1 // Every float64 this large is an even integer.
	}
	x -= 2 * math.Floor(x/2)
	if x > 1 {
		x = 2 - x
	}
	sign := 1.0
	if x > 0.5 {
		x, sign = 1-x, -1
	}
	if x <= 0.25 {
		return float64(sign * cosine(float64(x*math.Pi)))
	}
	return float64(sign * sine(float64((0.5-x)*math.Pi)))
}

// cosine is the Taylor polynomial of degree 16, for |x| <= pi/4.
func cosine(x float64) float64 {
	z := float64(x * x)
	p := float64(z*(1.0/20922789888000)) - 1.0/87178291200
	p = float64(z*p) + 1.0/479001600
	p = float64(z*p) - 1.0/3628800
	p = float64(z*p) + 1.0/40320
	p = float64(z*p) - 1.0/720
	p = float64(z*p) + 1.0/24
	p = float64(z*p) - 0.5
	return 1 + float64(z*p)
}

// sine is the Taylor polynomial of degree 17, for |x| <= pi/4.
func sine(x float64) float64 {
	z := float64(x * x)
	p := float64(z*(1.0/355687428096000)) - 1.0/1307674368000
	p = float64(z*p) + 1.0/6227020800
	p = float64(z*p) - 1.0/39916800
	p = float64(z*p) + 1.0/362880
	p = float64(z*p) - 1.0/5040
	p = float64(z*p) + 1.0/120
	p = float64(z*p) - 1.0/6
	return x + float64(float64(x*z)*p)
}
