package hlc_test

import (
	"bytes"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/telemetry/hlc"
)

const noon = 1_767_355_200_000 // 2026-01-02 12:00 UTC in milliseconds

// machine has a wall clock that can be set and one that cannot.
type machine struct {
	wall, elapsed atomic.Int64 // milliseconds
}

func newMachine(wall int64) *machine {
	m := &machine{}
	m.wall.Store(wall)
	return m
}

func (m *machine) read() (int64, time.Duration) {
	return m.wall.Load(), time.Duration(m.elapsed.Load()) * time.Millisecond
}

// pass lets time go by; the wall clock goes wrong by more.
func (m *machine) pass(d, wrong int64) {
	m.wall.Add(d + wrong)
	m.elapsed.Add(d)
}

func (m *machine) clock(log *bytes.Buffer) *hlc.Clock {
	return hlc.New(hlc.Config{Read: m.read, Log: slog.New(slog.NewTextHandler(log, nil))})
}

func TestStampFollowsTheWallClockAndCountsWithinAMillisecond(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	c := m.clock(&bytes.Buffer{})
	var got []string
	for range 2 {
		s, _ := c.Now()
		got = append(got, s.String())
	}
	m.pass(1, 0)
	s, flags := c.Now()
	got = append(got, s.String())
	want := []string{"2026-01-02T12:00:00.000Z+0", "2026-01-02T12:00:00.000Z+1", "2026-01-02T12:00:00.001Z+0"}
	if !slices.Equal(got, want) || flags != 0 {
		t.Errorf("stamps are %v, the last with %q, want %v", got, flags, want)
	}
}

// T10: whatever the wall clock does, stamps go forward, and each one says what
// was wrong when it was given.
func TestStampsNeverGoBackAndNameTheAnomaly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(rapid.SampledFrom([]int64{noon, 0, -5, 1 << 60, 1_577_836_799_999}).Draw(t, "start"))
		c := m.clock(&bytes.Buffer{})
		highest := int64(-1 << 63)
		var last hlc.Stamp
		var want hlc.Counts
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			passed := rapid.Int64Range(0, 100_000).Draw(t, "pass")
			wrong := rapid.SampledFrom([]int64{0, 0, 0, -1 - passed, -90_000, 60_000, 60_001, -3e12, 3e12}).Draw(t, "wrong")
			m.pass(passed, wrong)
			stepped := wrong > 60_000
			if rapid.Bool().Draw(t, "observe") {
				ahead := rapid.Int64Range(-100_000, 100_000).Draw(t, "ahead")
				other := hlc.Stamp(max(m.wall.Load()+ahead, 0) << 16)
				err := c.Observe(other)
				if refused := other.Milliseconds()-m.wall.Load() > 60_000; refused != errors.Is(err, hlc.ErrFarAhead) {
					t.Fatalf("observing %s at %d ms says %v", other, m.wall.Load(), err)
				}
				if err == nil {
					last = max(last, other)
				} else {
					want.FarAhead++
				}
			}
			s, flags := c.Now()
			if s <= last {
				t.Fatalf("%s came after %s", s, last)
			}
			wall := m.wall.Load()
			expect := hlc.Flags(0)
			for _, f := range []struct {
				flag  hlc.Flags
				holds bool
				count *uint64
			}{
				{hlc.Before2020, wall < 1_577_836_800_000, &want.Before2020},
				{hlc.JumpedBack, wall < highest, &want.JumpedBack},
				{hlc.FarAhead, stepped || s.Milliseconds()-wall > 60_000, &want.FarAhead},
			} {
				if f.holds {
					expect |= f.flag
					*f.count++
				}
			}
			if flags != expect || !flags.Valid() {
				t.Fatalf("%s at %d ms was flagged %q, want %q", s, wall, flags, expect)
			}
			highest, last = max(highest, wall), s
		}
		if got := c.Anomalies(); got != want {
			t.Fatalf("counted %+v, want %+v", got, want)
		}
	})
}

func TestConcurrentStampsAreUniqueAndInOrder(t *testing.T) {
	t.Parallel()
	m := newMachine(noon)
	c := hlc.New(hlc.Config{Log: slog.New(slog.DiscardHandler), Read: func() (int64, time.Duration) {
		defer runtime.Gosched() // others come in between
		return m.read()
	}})
	const callers, each = 8, 2000
	all := make([][]hlc.Stamp, callers)
	var newest atomic.Uint64 // of the stamps that callers have in hand
	var wait sync.WaitGroup
	for n := range all {
		wait.Go(func() {
			for i := range each {
				if i%100 == 0 {
					m.pass(1, int64(n-callers/2)) // the wall clock is set all the time
				}
				before := newest.Load()
				s, _ := c.Now()
				if uint64(s) <= before {
					t.Errorf("%s was given after %s was", s, hlc.Stamp(before))
				}
				for old := newest.Load(); old < uint64(s); old = newest.Load() {
					if newest.CompareAndSwap(old, uint64(s)) {
						break
					}
				}
				all[n] = append(all[n], s)
			}
		})
	}
	wait.Wait()
	stamps := slices.Concat(all...)
	slices.Sort(stamps)
	if got := len(slices.Compact(stamps)); got != callers*each {
		t.Errorf("%d of %d stamps are unique", got, callers*each)
	}
}

// A caller that is held up between two looks at the clock sees no jump.
func TestRacingCallersAreNoAnomaly(t *testing.T) {
	t.Parallel()
	var wall atomic.Int64
	wall.Store(noon)
	c := hlc.New(hlc.Config{Read: func() (int64, time.Duration) {
		now := wall.Add(1) // each look is later than the one before
		defer runtime.Gosched()
		return now, time.Duration(now-noon) * time.Millisecond
	}})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 2000 {
				if _, flags := c.Now(); flags != 0 {
					t.Errorf("flagged %q", flags)
				}
			}
		})
	}
	wait.Wait()
}

func TestFullCounterGoesOnInTheNextMillisecond(t *testing.T) {
	t.Parallel()
	c := newMachine(noon).clock(&bytes.Buffer{})
	var overflows int
	var last hlc.Stamp
	for range 1<<16 + 2 {
		s, flags := c.Now()
		if s <= last {
			t.Fatalf("%s came after %s", s, last)
		}
		if flags == hlc.Overflow {
			overflows++
		}
		last = s
	}
	if overflows != 1 || c.Anomalies().Overflow != 1 || last.Milliseconds() != noon+1 || last.Counter() != 1 {
		t.Errorf("%d overflows, %+v, last stamp %s", overflows, c.Anomalies(), last)
	}
}

func TestAnomalyIsLoggedOncePerKindAndInterval(t *testing.T) {
	t.Parallel()
	m, log := newMachine(noon), &bytes.Buffer{}
	c := m.clock(log)
	c.Now()
	m.pass(0, -1)
	for range 3 {
		c.Now()
	}
	if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "anomaly=jumped_back count=1") {
		t.Fatalf("three anomalies of a kind logged\n%s", log)
	}
	m.pass(0, -120_000) // another kind, the first one still within its interval
	c.Now()
	if got := strings.Count(log.String(), "\n"); got != 2 || !strings.Contains(log.String(), "anomaly=far_ahead count=1") {
		t.Fatalf("logged\n%s", log)
	}
	m.pass(60_000, -60_000)
	c.Now()
	if !strings.Contains(log.String(), "anomaly=jumped_back count=5") {
		t.Errorf("a minute later the log is\n%s", log)
	}
}

func TestStampAllocatesNothing(t *testing.T) {
	c := hlc.New(hlc.Config{})
	if got := testing.AllocsPerRun(1000, func() { c.Now() }); got != 0 {
		t.Errorf("a stamp costs %v allocations", got)
	}
}

func BenchmarkNow(b *testing.B) {
	c := hlc.New(hlc.Config{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Now()
		}
	})
}
