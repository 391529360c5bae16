package export_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/spans/export"
)

func TestSpansThatTheQueueHasNoRoomForAreCounted(t *testing.T) {
	t.Parallel()
	c, to := &counts{}, &collector{gate: make(chan struct{}), came: make(chan struct{}, 1)}
	p := export.New(to, export.Config{Counts: c, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler), Queue: 10, Delay: time.Millisecond})
	spend(t, p, 4)
	<-to.came // Some are being sent, and count until they have been.
	spend(t, p, 20)
	if c.dropped != 14 {
		t.Errorf("%d are dropped, want 14", c.dropped)
	}
	close(to.gate)
	p.Close(short(t, time.Minute))
	if c.exported != 10 || c.dropped != 14 || c.failed != 0 {
		t.Errorf("counted %+v", c)
	}
}

func TestStoppingWaitsForNoCollector(t *testing.T) {
	t.Parallel()
	c, to := &counts{}, &collector{gate: make(chan struct{}), came: make(chan struct{}, 1)}
	p := export.New(to, export.Config{Counts: c, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler), Delay: time.Millisecond, Timeout: time.Hour})
	spend(t, p, 700) // more than a batch
	<-to.came
	spend(t, p, 5)
	p.Close(short(t, 10*time.Millisecond)) // goleak sees what is left behind
	if c.exported != 0 || c.dropped+c.failed != 705 {
		t.Errorf("counted %+v", c)
	}
}

func TestFailuresAreLoggedOncePerIntervalAndCounted(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	c, to := &counts{}, &collector{err: errRefused}
	p := export.New(to, export.Config{Counts: c, Clock: clock.System{}, Logger: slog.New(slog.NewTextHandler(&said, nil)), Queue: 5000, Delay: time.Hour, Repeat: time.Hour})
	spend(t, p, 1600) // four batches at most in the hour that a log line stands for
	p.Close(short(t, time.Minute))
	if c.failed != 1600 || c.exported+c.dropped != 0 {
		t.Errorf("counted %+v", c)
	}
	if n := strings.Count(said.String(), "Spans could not be exported"); n != 1 || !strings.Contains(said.String(), "refused") {
		t.Errorf("said %d times:\n%s", n, &said)
	}
}
