package telemetry_test

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/telemetry"
)

func TestWatermarksDropDuplicatesAndNameGaps(t *testing.T) {
	t.Parallel()
	var w telemetry.Watermarks
	observe := func(producer string, partition int, sequences ...uint64) (fresh []uint64) {
		for i, s := range sequences {
			if w.Observe(producer, partition, s, int64(100+i)) {
				fresh = append(fresh, s)
			}
		}
		return fresh
	}
	// Sequences 1, 2 were sent again after a lost answer; 4 to 6 are missing.
	if got, want := observe("a", 0, 1, 2, 1, 2, 3, 7), []uint64{1, 2, 3, 7}; !reflect.DeepEqual(got, want) {
		t.Errorf("fresh are %v, want %v", got, want)
	}
	if got, want := observe("a", 1, 0, 0), []uint64{0}; !reflect.DeepEqual(got, want) {
		t.Errorf("another partition: fresh are %v, want %v", got, want)
	}
	if got, want := observe("", 0, 0, 0), []uint64{0, 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("without producer: fresh are %v, want %v", got, want)
	}
	want := []telemetry.Stream{
		{Producer: "a", Partition: 0, First: 1, FirstOffset: 100, Highest: 7, Duplicates: 2, Gaps: []telemetry.Gap{{From: 4, Until: 7, ShownBy: 105}}},
		{Producer: "a", Partition: 1, FirstOffset: 100, Duplicates: 1},
	}
	if got := w.Streams(); !reflect.DeepEqual(got, want) {
		t.Errorf("streams are %+v, want %+v", got, want)
	}
}

// Against a set of what was seen and one of what was buried: fresh exactly
// once, dead what is under a tombstone and was not seen, gaps exactly the rest.
func TestWatermarksAgreeWithASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w telemetry.Watermarks
		seen, buried := make(map[uint64]bool), make(map[uint64]bool)
		duplicates := uint64(0)
		lowest, highest := uint64(100), uint64(0)
		for i, s := range rapid.SliceOfN(rapid.Uint64Range(0, 30), 1, 60).Draw(t, "sequences") {
			lowest = min(lowest, s)
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				last := s + rapid.Uint64Range(0, 8).Draw(t, "more")
				w.Bury("p", 0, s, last, int64(i))
				for ; s <= last; s++ {
					buried[s] = true
				}
				highest = max(highest, last)
				continue
			}
			highest = max(highest, s)
			if fresh := w.Observe("p", 0, s, int64(i)); fresh == seen[s] {
				t.Fatalf("sequence %d is fresh: %t, seen before: %t", s, fresh, seen[s])
			}
			if seen[s] {
				duplicates++
			}
			seen[s] = true
		}
		got := w.Streams()[0]
		missing, dead := members(t, got.Gaps), members(t, got.Dead)
		for s := lowest; s <= highest; s++ {
			if missing[s] != (!seen[s] && !buried[s]) || dead[s] != (buried[s] && !seen[s]) {
				t.Fatalf("sequence %d: seen %t, buried %t, missing %t, dead %t", s, seen[s], buried[s], missing[s], dead[s])
			}
		}
		if got.First != lowest || got.Highest != highest || len(seen)+len(missing)+len(dead) != int(highest-lowest)+1 || got.Duplicates != duplicates {
			t.Fatalf("stream %+v does not match %v with %d duplicates", got, seen, duplicates)
		}
	})
}

// members are the sequences of runs, which are apart and in order.
func members(t *rapid.T, gaps []telemetry.Gap) map[uint64]bool {
	all := make(map[uint64]bool)
	for i, g := range gaps {
		if g.From >= g.Until || i > 0 && (g.From < gaps[i-1].Until || g.From == gaps[i-1].Until && g.ShownBy == gaps[i-1].ShownBy) {
			t.Fatalf("runs %v are not apart and in order", gaps)
		}
		for s := g.From; s < g.Until; s++ {
			all[s] = true
		}
	}
	return all
}
