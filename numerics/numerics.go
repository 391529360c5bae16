// Package numerics holds the arithmetic that reaches a checkpoint's weights:
// exponential, logarithm and cosine as own polynomials, sums in a fixed order,
// a fixed reduction tree, and counter-based random numbers.
//
// Every function returns the same bits on every machine. Two rules make that
// true. A product is converted before it is added, float64(x*y) + z, since a
// compiler may otherwise fuse the two into one rounding, also after it inlined
// the function that returned the product. And nothing calls
// math.Exp, math.Log or math.Pow, whose bits depend on the processor.
package numerics

// Version names the arithmetic. Who computes with another version gives other
// bits, and must not continue what this version began.
const Version = "cohort-1"

// Float is what the generic functions of this package take.
type Float interface{ ~float32 | ~float64 }
