package numerics

// Sigmoid returns 1/(1+e^-x), without overflow at either end.
func Sigmoid[T Float](x T) T {
	if x >= 0 {
		return T(1 / (1 + exp(-float64(x))))
	}
	e := exp(float64(x))
	return T(e / (1 + e))
}
