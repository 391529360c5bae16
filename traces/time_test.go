package traces_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/telemetry/hlc"
)

// T10: neither wall times nor stamps order anything; a thread's index does.
func TestWallTimesAndStampsOrderNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newRound(rapid.IntRange(1, 3).Draw(t, "groups"), 0)
		want := plain(t, r)
		for _, events := range r.events {
			for i := range events {
				e := &events[i]
				e.Time = time.Unix(rapid.Int64Range(0, 5).Draw(t, "time"), 0).UTC()
				e.Clock = hlc.Stamp(rapid.Uint64Range(0, 5).Draw(t, "stamp"))
				e.ClockFlags = hlc.Flags(rapid.Uint32Range(0, 31).Draw(t, "flags")) // one of a later version too
			}
		}
		b := newBench(t, 2)
		deliver(t, b, r.messages(b.topic.Codec))
		_, got := b.collect(t, r, false)
		if !reflect.DeepEqual(got.Outcomes, want.Outcomes) {
			t.Fatalf("outcomes %+v, want %+v", got.Outcomes, want.Outcomes)
		}
		for i := range got.Traces {
			if !reflect.DeepEqual(got.Traces[i].Events, r.events[i]) {
				t.Fatalf("trace %d has events %v, want %v", i, got.Traces[i].Events, r.events[i])
			}
		}
	})
}
