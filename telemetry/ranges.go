package telemetry

import (
	"cmp"
	"slices"
)

// ranges is a set of sequences as runs, sorted and apart. Neighbours that were
// shown by the same record are one run.
type ranges []Gap

// add puts in a run that overlaps none.
func (r *ranges) add(g Gap) {
	if g.From >= g.Until {
		return
	}
	i, _ := slices.BinarySearchFunc(*r, g.From, func(h Gap, s uint64) int { return cmp.Compare(h.From, s) })
	if i > 0 && (*r)[i-1].Until == g.From && (*r)[i-1].ShownBy == g.ShownBy {
		(*r)[i-1].Until = g.Until
		return
	}
	*r = slices.Insert(*r, i, g)
}

// cut takes what lies from from up to, but without, until out of the set and
// returns it.
func (r *ranges) cut(from, until uint64) []Gap {
	i, _ := slices.BinarySearchFunc(*r, from, func(g Gap, s uint64) int {
		if g.Until <= s {
			return -1
		}
		return 1
	})
	j := i
	var taken, rest []Gap
	for ; j < len(*r) && (*r)[j].From < until; j++ {
		g := (*r)[j]
		if g.From < from {
			rest = append(rest, Gap{From: g.From, Until: from, ShownBy: g.ShownBy})
		}
		taken = append(taken, Gap{From: max(g.From, from), Until: min(g.Until, until), ShownBy: g.ShownBy})
		if g.Until > until {
			rest = append(rest, Gap{From: until, Until: g.Until, ShownBy: g.ShownBy})
		}
	}
	if j > i {
		*r = slices.Replace(*r, i, j, rest...)
	}
	return taken
}
