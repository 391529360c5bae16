package hlc

import (
	"log/slog"
	"time"
)

// Counts says under which anomalies stamps were given, and FarAhead also how
// many observed ones were refused.
type Counts struct {
	Before2020 uint64 `json:"before_2020"`
	JumpedBack uint64 `json:"jumped_back"`
	FarAhead   uint64 `json:"far_ahead"`
	Overflow   uint64 `json:"overflow"`
}

// Anomalies returns the counts of this moment.
func (c *Clock) Anomalies() Counts {
	return Counts{
		Before2020: c.counts[0].Load(), JumpedBack: c.counts[1].Load(),
		FarAhead: c.counts[2].Load(), Overflow: c.counts[3].Load(),
	}
}

// anomaly counts, and logs what was not logged for an interval.
func (c *Clock) anomaly(flags Flags, s Stamp, wall int64, elapsed time.Duration) {
	now := int64(elapsed) + 1
	for i, k := range kinds() {
		if flags&k.flag == 0 {
			continue
		}
		count := c.counts[i].Add(1)
		before := c.logged[i].Load()
		if before != 0 && now-before < int64(c.config.Interval) || !c.logged[i].CompareAndSwap(before, now) {
			continue
		}
		c.config.Log.Warn("the clock of telemetry events is wrong",
			slog.String("anomaly", k.name), slog.Uint64("count", count),
			slog.Time("wall", time.UnixMilli(wall).UTC()), slog.String("stamp", s.String()))
	}
}
