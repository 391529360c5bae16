package numerics

// lanesOfExp is how many exponentials expAVX2 computes at once.
const lanesOfExp = 4

// expLanes writes e^x of the first elements of src to dst, which is as long,
// and returns how many: fewer than all before an argument whose exponential
// overflows or is subnormal, before a NaN, and at an end that fills no vector.
func expLanes(dst, src []float64) int {
	if !avx2 || len(src) < lanesOfExp {
		return 0
	}
	return expAVX2(&dst[0], &src[0], len(src))
}

//nolint:gochecknoglobals // what the processor can do does not change
var avx2 = hasAVX2()

// expAVX2 is exp on four lanes, operation by operation; nothing is fused.
//
//go:noescape
func expAVX2(dst, src *float64, n int) (done int)

// hasAVX2 reports whether processor and system have AVX2.
func hasAVX2() bool
