package telemetry_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/hlc"
)

// T10: a clock that is set back and was never set shows in the events, in the
// counts and in the log, and changes no order.
func TestClockAnomalyIsFlaggedCountedAndLoggedAndOrdersNothing(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	var now atomic.Int64 // milliseconds
	now.Store(noon().UnixMilli())
	var log bytes.Buffer
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Now = func() time.Time { return time.UnixMilli(now.Load()) }
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Linger = -1
	})
	thread := telemetry.NewThread(p, "t")
	for _, ms := range []int64{noon().UnixMilli(), noon().UnixMilli() - 1000, 1000} {
		now.Store(ms)
		if err := thread.Reward(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	now.Store(noon().UnixMilli() + 1)
	if err := p.Observe(telemetry.Event{Clock: hlc.Stamp(now.Load()+60_001) << 16}); !errors.Is(err, hlc.ErrFarAhead) {
		t.Errorf("a stamp far ahead: %v", err)
	}
	other := hlc.Stamp(now.Load()+30_000) << 16
	if err := p.Observe(telemetry.Event{Clock: other}); err != nil {
		t.Error(err)
	}
	if _, err := thread.End(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, p)
	want := []hlc.Flags{0, hlc.JumpedBack, hlc.Before2020 | hlc.JumpedBack | hlc.FarAhead, 0, 0}
	var last hlc.Stamp
	for i, m := range b.readAll(t)[0] {
		e := m.event
		if e.Clock <= last {
			t.Errorf("event %d has stamp %s after %s", i, e.Clock, last)
		}
		if e.ClockFlags != want[i] {
			t.Errorf("event %d is flagged %q, want %q", i, e.ClockFlags, want[i])
		}
		if i < 4 && e.Index != uint64(i) {
			t.Errorf("event %d of the log has index %d", i, e.Index)
		}
		last = e.Clock
	}
	if last <= other {
		t.Errorf("the last stamp is %s, not after the observed %s", last, other)
	}
	if got := p.ClockAnomalies(); got != (hlc.Counts{Before2020: 1, JumpedBack: 2, FarAhead: 2}) {
		t.Errorf("counted %+v", got)
	}
	for _, kind := range []string{"before_2020", "jumped_back", "far_ahead"} {
		if !strings.Contains(log.String(), "anomaly="+kind+" count=1 ") {
			t.Errorf("%s is not logged:\n%s", kind, &log)
		}
	}
}
