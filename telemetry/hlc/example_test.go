package hlc_test

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/cohort-rl/cohort/telemetry/hlc"
)

// A clock that is set back goes on from where it was, and says so.
func ExampleClock() {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	clock := hlc.New(hlc.Config{Read: hlc.Read(func() time.Time { return now }), Log: slog.New(slog.DiscardHandler)})
	first, _ := clock.Now()
	now = now.Add(-time.Second)
	second, flags := clock.Now()
	fmt.Println(first)
	fmt.Println(second, flags)
	fmt.Println(second > first, clock.Anomalies().JumpedBack)
	// Output:
	// 2026-01-02T12:00:00.000Z+0
	// 2026-01-02T12:00:00.000Z+1 jumped_back
	// true 1
}

// An agent that got an event of another one stamps its own after it.
func ExampleClock_Observe() {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	clock := hlc.New(hlc.Config{Read: hlc.Read(func() time.Time { return now }), Log: slog.New(slog.DiscardHandler)})
	other := hlc.Stamp(now.Add(5*time.Second).UnixMilli() << 16)
	fmt.Println(clock.Observe(other))
	mine, _ := clock.Now()
	fmt.Println(mine > other, mine)
	// Output:
	// <nil>
	// true 2026-01-02T12:00:05.000Z+1
}
