package telemetry_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
)

// The disk loses the second of three events in a spill file. The next producer
// says so and sends back the others, and readers name the hole.
func TestDamagedSpillFileIsSaidAndLeavesANamedGap(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	p := f.newProducer(t, nil)
	admit(t, p, "t", 0, 1)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.logDown.Store(true)
	f.letters.Store(true)
	admit(t, p, "t", 1, 4)
	if a, _ := p.Close(deadline(t, 50*time.Millisecond)); a.Spilled != 3 {
		t.Fatalf("Close says %+v", a)
	}
	f.rot(t, 1)
	f.logDown.Store(false)
	var log bytes.Buffer
	next := f.newProducer(t, func(c *telemetry.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	if said := log.String(); !strings.Contains(said, "damaged=1") || !strings.Contains(said, "whole=3") || !strings.Contains(said, f.file) {
		t.Errorf("it says %q", said)
	}
	until(t, next, "replayed", func(a telemetry.Accounts) bool { return a.Replayed == 2 })
	mustClose(t, next)
	_, streams := f.log.accepted(t)
	if len(streams) != 1 || len(streams[0].Gaps) != 1 || streams[0].Gaps[0].From != 2 || streams[0].Gaps[0].Until != 3 {
		t.Errorf("streams are %+v", streams)
	}
}

// rot flips the last bit of a record of the spill file.
func (f *both) rot(t *testing.T, number int) {
	t.Helper()
	var ends []int64
	if _, err := spill.Scan(f.file, func(r spill.Record) error { ends = append(ends, r.End); return nil }); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	content[ends[number]-1] ^= 1
	if err := os.WriteFile(f.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
