package hlc

import (
	"fmt"
	"strings"
	"time"
)

// Stamp is a reading of a [Clock]: milliseconds since 1970 in the upper 48 bits,
// enough until the year 6429 and then as long again, and a counter in the lower 16. Stamps are ordered
// as numbers. 0 is no reading.
type Stamp uint64

const (
	counterBits  = 16
	maxWall      = 1<<47 - 1         // leaves as much again to count on
	start2020    = 1_577_836_800_000 // 2020-01-01 UTC in milliseconds
	allowedFlags = Before2020 | JumpedBack | FarAhead | Overflow
)

// Milliseconds since 1970-01-01 UTC: the wall clock's, or ahead of it.
func (s Stamp) Milliseconds() int64 { return int64(s >> counterBits) }

// Counter tells stamps of one millisecond apart.
func (s Stamp) Counter() uint16 { return uint16(s) }

// Time is the stamp's millisecond as a time, to be shown.
func (s Stamp) Time() time.Time { return time.UnixMilli(s.Milliseconds()).UTC() }

// String is the time and the counter.
func (s Stamp) String() string {
	return fmt.Sprintf("%s+%d", s.Time().Format("2006-01-02T15:04:05.000Z"), s.Counter())
}

// Flags name the anomalies under which a stamp was given; 0 is none.
type Flags uint32

// Anomalies.
const (
	// Before2020 says that the wall clock was before 2020: it was never set.
	Before2020 Flags = 1 << iota
	// JumpedBack says that the wall clock showed less than before. Each stamp
	// has it until the wall clock has caught up.
	JumpedBack
	// FarAhead says that the stamp is further ahead of the wall clock than the
	// bound, because the wall clock went back or an event of another clock came,
	// or that the wall clock went ahead of the monotonic one by more than the
	// bound since the last stamp (a machine that slept does that too).
	FarAhead
	// Overflow says that a millisecond had more stamps than the counter can
	// tell apart, and that the stamp is of a later one.
	Overflow
)

// Valid reports whether there are only anomalies that this version knows.
func (f Flags) Valid() bool { return f&^allowedFlags == 0 }

// String lists the anomalies by name.
func (f Flags) String() string {
	var names []string
	for _, k := range kinds() {
		if f&k.flag != 0 {
			names = append(names, k.name)
		}
	}
	return strings.Join(names, " ")
}

type kind struct {
	flag Flags
	name string
}

// kinds lists the anomalies in the order of their bits.
func kinds() [4]kind {
	return [4]kind{{Before2020, "before_2020"}, {JumpedBack, "jumped_back"}, {FarAhead, "far_ahead"}, {Overflow, "overflow"}}
}
