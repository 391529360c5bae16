package grpo

import (
	"cmp"
	"fmt"
	"slices"
)

// Layout says which tokens belong together. Row i holds the tokens
// RowOffsets[i] to RowOffsets[i+1]; rollout j the rows RolloutOffsets[j] to
// RolloutOffsets[j+1], or row j alone when RolloutOffsets is nil; group g the
// rollouts GroupOffsets[g] to GroupOffsets[g+1]. Any of them may be empty.
type Layout struct {
	RowOffsets     []int
	RolloutOffsets []int
	GroupOffsets   []int
}

// Tokens returns the number of tokens.
func (l Layout) Tokens() int { return ends(l.RowOffsets) }

// Rows returns the number of rows.
func (l Layout) Rows() int { return max(0, len(l.RowOffsets)-1) }

// Rollouts returns the number of rollouts.
func (l Layout) Rollouts() int { return ends(l.GroupOffsets) }

// Groups returns the number of groups.
func (l Layout) Groups() int { return max(0, len(l.GroupOffsets)-1) }

// RolloutsOf returns the rollouts of group g as a half-open range.
func (l Layout) RolloutsOf(g int) (first, last int) { return l.GroupOffsets[g], l.GroupOffsets[g+1] }

// RowsOf returns the rows of rollout j as a half-open range.
func (l Layout) RowsOf(j int) (first, last int) {
	if l.RolloutOffsets == nil {
		return j, j + 1
	}
	return l.RolloutOffsets[j], l.RolloutOffsets[j+1]
}

// TokensOf returns the tokens of row i as a half-open range.
func (l Layout) TokensOf(i int) (first, last int) { return l.RowOffsets[i], l.RowOffsets[i+1] }

// endOf returns the end of the tokens of all groups before group g.
func (l Layout) endOf(g int) int {
	if len(l.GroupOffsets) == 0 || len(l.RowOffsets) == 0 {
		return 0
	}
	row := l.GroupOffsets[g]
	if l.RolloutOffsets != nil {
		row = l.RolloutOffsets[row]
	}
	return l.RowOffsets[row]
}

// Validate returns ErrLayout, naming the first offset that does not fit.
func (l Layout) Validate() error {
	for _, o := range []struct {
		name    string
		offsets []int
		below   int
	}{
		{"row", l.RowOffsets, l.Tokens()},
		{"rollout", l.RolloutOffsets, l.Rows()},
		{"group", l.GroupOffsets, l.Rollouts()},
	} {
		if o.offsets == nil && o.name == "rollout" {
			if l.Rollouts() != l.Rows() {
				return fmt.Errorf("%w: %d rollouts of one row each, but %d rows", ErrLayout, l.Rollouts(), l.Rows())
			}
			continue
		}
		if len(o.offsets) == 0 || o.offsets[0] != 0 {
			return fmt.Errorf("%w: %s offsets do not begin with 0", ErrLayout, o.name)
		}
		if !slices.IsSorted(o.offsets) {
			return fmt.Errorf("%w: %s offsets are not in order", ErrLayout, o.name)
		}
		if ends(o.offsets) != o.below {
			return fmt.Errorf("%w: %s offsets end at %d, want %d", ErrLayout, o.name, ends(o.offsets), o.below)
		}
	}
	if l.RolloutOffsets != nil && len(l.RolloutOffsets) != l.Rollouts()+1 {
		return fmt.Errorf("%w: %d rollouts in groups, %d rollout offsets", ErrLayout, l.Rollouts(), len(l.RolloutOffsets))
	}
	return nil
}

func ends(offsets []int) int {
	if len(offsets) == 0 {
		return 0
	}
	return offsets[len(offsets)-1]
}

// Key identifies a rollout: its group and its number within the group.
type Key struct{ Group, Rollout uint64 }

// Arrange returns the order in which rollouts go into a batch, by identity and
// never by position, and their group offsets: rollout order[j] is the j-th.
// Two rollouts with one key are refused with ErrLayout.
func Arrange(keys []Key) (order, groupOffsets []int, err error) {
	order = make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(keys[a].Group, keys[b].Group), cmp.Compare(keys[a].Rollout, keys[b].Rollout))
	})
	groupOffsets = []int{0}
	for j := 1; j < len(order); j++ {
		before, key := keys[order[j-1]], keys[order[j]]
		if key == before {
			return nil, nil, fmt.Errorf("%w: rollout %d of group %d is there twice", ErrLayout, key.Rollout, key.Group)
		}
		if key.Group != before.Group {
			groupOffsets = append(groupOffsets, j)
		}
	}
	if len(keys) > 0 {
		groupOffsets = append(groupOffsets, len(keys))
	}
	return order, groupOffsets, nil
}
