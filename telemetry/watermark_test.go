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

// Against a set of what was seen: fresh exactly once, gaps exactly the rest.
func TestWatermarksAgreeWithASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w telemetry.Watermarks
		seen := make(map[uint64]bool)
		duplicates := uint64(0)
		for i, s := range rapid.SliceOfN(rapid.Uint64Range(0, 30), 1, 60).Draw(t, "sequences") {
			if fresh := w.Observe("p", 0, s, int64(i)); fresh == seen[s] {
				t.Fatalf("sequence %d is fresh: %t, seen before: %t", s, fresh, seen[s])
			}
			if seen[s] {
				duplicates++
			}
			seen[s] = true
		}
		got := w.Streams()[0]
		missing := make(map[uint64]bool)
		for i, g := range got.Gaps {
			if g.From >= g.Until || i > 0 && g.From <= got.Gaps[i-1].Until {
				t.Fatalf("gaps %v are not apart and in order", got.Gaps)
			}
			for s := g.From; s < g.Until; s++ {
				missing[s] = true
			}
		}
		for s := got.First; s <= got.Highest; s++ {
			if seen[s] == missing[s] {
				t.Fatalf("sequence %d: seen %t, missing %t", s, seen[s], missing[s])
			}
		}
		if len(seen)+len(missing) != int(got.Highest-got.First)+1 || got.Duplicates != duplicates {
			t.Fatalf("stream %+v does not match %v with %d duplicates", got, seen, duplicates)
		}
	})
}
