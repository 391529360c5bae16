package grpo

import "iter"

// LeastSpread is the standard deviation of rewards up to which a group teaches
// nothing and dynamic sampling draws another.
const LeastSpread = 1e-6

// Teaches reports whether a group of the given spread, from AdvantagesTo, is
// worth an update. A group without a reward, whose spread is NaN, is not. The
// spread is that of the sums: under NormalizeThenSum, ask Estimator.Level.
func Teaches(spread float64) bool { return spread > LeastSpread }

// StaleTo writes to dst, one per group, whether the group is older than limit:
// whether any of its rollouts is, ages being one per rollout, in steps. A group
// is stale as a whole, since one rollout less would shift its baseline.
func StaleTo(dst []bool, l Layout, ages []int, limit int) {
	for g := range dst {
		first, last := l.RolloutsOf(g)
		dst[g] = false
		for _, age := range ages[first:last] {
			dst[g] = dst[g] || age > limit
		}
	}
}

// MiniBatches cuts groups, in the order of an epoch, into parts of whole groups
// whose numbers differ by at most one. There are fewer parts when there are
// fewer groups.
func MiniBatches(order []int, parts int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		parts := min(parts, len(order))
		for p := range parts {
			if !yield(order[p*len(order)/parts : (p+1)*len(order)/parts]) {
				return
			}
		}
	}
}
