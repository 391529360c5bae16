package hlc

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"
)

// ErrFarAhead says that an observed stamp is further ahead of the wall clock than
// the bound. It was not taken over.
var ErrFarAhead = errors.New("stamp is far ahead of the wall clock")

// Config is what a Clock needs; every field has a default.
type Config struct {
	// Read returns the wall clock in milliseconds since 1970, and how long the
	// clock runs by one that is never set. It must be safe for concurrent use.
	// The default is Read(time.Now).
	Read func() (wall int64, elapsed time.Duration)
	// Ahead is how far a stamp, or a step of the wall clock, may be ahead before
	// it is an anomaly: 1 min.
	Ahead time.Duration
	// Log gets a warning at the first anomaly of a kind, and then at most once per
	// Interval (1 min): nil is slog's default.
	Log      *slog.Logger
	Interval time.Duration
}

// Read turns a clock that gives times, as time.Now does, into what Config wants.
// Times without monotonic reading leave steps ahead of the wall clock unseen.
func Read(now func() time.Time) func() (int64, time.Duration) {
	return ReadSince(now(), now)
}

// ReadSince is Read with the time since a start that now gave before.
func ReadSince(start time.Time, now func() time.Time) func() (int64, time.Duration) {
	return func() (int64, time.Duration) {
		t := now()
		return t.UnixMilli(), t.Sub(start)
	}
}

// Clock gives stamps. It is safe for concurrent use, takes no lock and
// allocates nothing.
type Clock struct {
	config Config

	last   atomic.Uint64 // the stamp given last, or one above that was observed
	wall   atomic.Int64  // the highest wall clock seen, in milliseconds
	offset atomic.Int64  // wall clock minus elapsed, when last looked, in milliseconds

	counts [4]atomic.Uint64 // of anomalies, by kind
	logged [4]atomic.Int64  // when last, in nanoseconds of elapsed and 1
}

// New returns a clock. It reads the wall clock for the first time.
func New(config Config) *Clock {
	if config.Read == nil {
		config.Read = Read(time.Now)
	}
	if config.Ahead <= 0 {
		config.Ahead = time.Minute
	}
	if config.Interval <= 0 {
		config.Interval = time.Minute
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	c := &Clock{config: config}
	wall, elapsed := config.Read()
	c.wall.Store(math.MinInt64)
	c.offset.Store(wall - elapsed.Milliseconds())
	return c
}

// Now returns a stamp that is greater than every stamp that the clock returned
// or observed before the call, and the anomalies under which it was given.
func (c *Clock) Now() (Stamp, Flags) {
	stamp, flags, _ := c.Tick()
	return stamp, flags
}

// Tick is Now, and returns how long the clock had run when it was read, too.
func (c *Clock) Tick() (Stamp, Flags, time.Duration) {
	for {
		// What is compared with the wall clock is taken before it is read, so that
		// a caller that was held up in between sees no jump that was none.
		last, highest, offset := c.last.Load(), c.wall.Load(), c.offset.Load()
		wall, elapsed := c.config.Read()
		next, flags := c.after(last, wall)
		if wall < highest {
			flags |= JumpedBack
		}
		moved := wall - elapsed.Milliseconds()
		if moved-offset > c.config.Ahead.Milliseconds() {
			flags |= FarAhead
		}
		if !c.last.CompareAndSwap(last, uint64(next)) {
			continue
		}
		raise(&c.wall, wall)
		if moved != offset {
			c.offset.CompareAndSwap(offset, moved)
		}
		if flags != 0 {
			c.anomaly(flags, next, wall, elapsed)
		}
		return next, flags, elapsed
	}
}

// after returns the stamp after last when the wall clock shows wall.
func (c *Clock) after(last uint64, wall int64) (Stamp, Flags) {
	var flags Flags
	if wall < start2020 {
		flags |= Before2020
	}
	next := uint64(min(max(wall, 0), maxWall)) << counterBits
	if next <= last {
		next = last + 1
		if next&(1<<counterBits-1) == 0 {
			flags |= Overflow
		}
	}
	if Stamp(next).Milliseconds()-wall > c.config.Ahead.Milliseconds() {
		flags |= FarAhead
	}
	return Stamp(next), flags
}

// Observe makes every later stamp greater than one of another clock, which came
// with an event. A stamp too far ahead is ErrFarAhead and changes nothing: one
// wrong clock does not drive the others away.
func (c *Clock) Observe(s Stamp) error {
	wall, elapsed := c.config.Read()
	if s.Milliseconds()-wall > c.config.Ahead.Milliseconds() {
		c.anomaly(FarAhead, s, wall, elapsed)
		return fmt.Errorf("%w: %s, the wall clock shows %s", ErrFarAhead, s, time.UnixMilli(wall).UTC().Format(time.RFC3339))
	}
	for {
		last := c.last.Load()
		if uint64(s) <= last || c.last.CompareAndSwap(last, uint64(s)) {
			return nil
		}
	}
}

// raise makes v at least value.
func raise(v *atomic.Int64, value int64) {
	for old := v.Load(); old < value; old = v.Load() {
		if v.CompareAndSwap(old, value) {
			return
		}
	}
}
