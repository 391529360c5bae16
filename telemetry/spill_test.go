package telemetry_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
)

// both is a log and a cluster for its dead letters that can be away.
type both struct {
	log, other       *broker
	logDown, letters *outage
	clock            years
	file             string
}

func startBoth(t *testing.T) *both {
	t.Helper()
	f := &both{log: startBroker(t, 1), other: startBroker(t, 1), file: filepath.Join(t.TempDir(), "spill")}
	f.logDown, f.letters = f.log.outage(), f.other.outage()
	return f
}

func (f *both) newProducer(t *testing.T, change func(*telemetry.Config)) *telemetry.Producer {
	t.Helper()
	return f.log.newProducer(t, func(c *telemetry.Config) {
		c.Now = f.clock.now
		c.DeadLetters = &telemetry.DeadLetters{Brokers: f.other.ListenAddrs(), Spill: f.file}
		if change != nil {
			change(c)
		}
	})
}

// spilled returns the events of the spill file.
func (f *both) spilled(t *testing.T) []telemetry.DeadLetter {
	t.Helper()
	return slices.DeleteFunc(f.records(t), telemetry.DeadLetter.Own)
}

// left returns the tombstones and final records of the spill file.
func (f *both) left(t *testing.T) []telemetry.DeadLetter {
	t.Helper()
	return slices.DeleteFunc(f.records(t), func(l telemetry.DeadLetter) bool { return !l.Own() })
}

// records reads the spill file.
func (f *both) records(t *testing.T) (letters []telemetry.DeadLetter) {
	t.Helper()
	_, err := spill.Scan(f.file, func(r spill.Record) error {
		l, err := telemetry.ReadDeadLetter(r.Payload)
		letters = append(letters, l)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

// both clusters go away and come back: what was spilled is in the log again,
// once for a reader, and the file is empty.
func TestSpilledEventsAreReplayedOnRecovery(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	p := f.newProducer(t, nil)
	admit(t, p, "t", 0, 2)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.logDown.Store(true)
	f.letters.Store(true)
	admit(t, p, "t", 2, 7)
	f.clock.jump()
	for range 3 { // each failure is older than the letters' patience
		until(t, p, "given up", func(a telemetry.Accounts) bool { return a.Queued <= 5 })
		f.clock.jump()
	}
	a := until(t, p, "spilled", func(a telemetry.Accounts) bool { f.clock.jump(); return a.Spilled == 5 })
	if a.Failed+a.DeadLettered+a.Queued != 0 {
		t.Errorf("accounts are %+v", a)
	}
	undelivered(t, p)
	if got := f.spilled(t); len(got) != 5 || got[0].Class != telemetry.Expired {
		t.Errorf("the spill file holds %+v", got)
	}
	if info, err := os.Stat(f.file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the spill file is %v, %v", info.Mode(), err)
	}
	f.logDown.Store(false)
	a = until(t, p, "replayed", func(a telemetry.Accounts) bool { return a.Spilled == 0 })
	if a.Replayed != 5 || a.Acknowledged != 7 || a.DeadLettered != 0 {
		t.Errorf("accounts are %+v", a)
	}
	admit(t, p, "t", 7, 9)
	if a := mustClose(t, p); a.Acknowledged != 9 {
		t.Errorf("accounts are %+v", a)
	}
	if got := f.spilled(t); len(got) != 0 {
		t.Errorf("the spill file still holds %d letters", len(got))
	}
	events, streams := f.log.accepted(t)
	if n := dead(t, streams); n != 0 || len(events["t"]) != 9 {
		t.Errorf("%d sequences are dead, %d events there", n, len(events["t"]))
	}
}

// Close leaves what it has no time for in the spill file; the next producer
// brings it into the log under its old name.
func TestWhatCloseSpillsTheNextProducerReplays(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	p := f.newProducer(t, nil)
	admit(t, p, "t", 0, 1)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.logDown.Store(true)
	admit(t, p, "t", 1, 4)
	if err := func() error {
		_, err := telemetry.NewProducer(telemetry.Config{
			Brokers: f.log.ListenAddrs(), Topic: topic, DeadLetters: &telemetry.DeadLetters{Spill: f.file},
		})
		return err
	}(); !errors.Is(err, spill.ErrInUse) {
		t.Errorf("a second producer on the same file says %v", err)
	}
	a, err := p.Close(deadline(t, 50*time.Millisecond))
	if !errors.Is(err, telemetry.ErrUndelivered) || !a.Balanced() || a.Spilled != 3 || a.Queued+a.Failed != 0 {
		t.Errorf("Close says %+v, %v", a, err)
	}
	if got := f.spilled(t); len(got) != 3 || got[0].Class != telemetry.Closed {
		t.Errorf("the spill file holds %+v", got)
	}
	f.logDown.Store(false)
	next := f.newProducer(t, nil)
	a = until(t, next, "replayed", func(a telemetry.Accounts) bool { return a.Replayed == 3 })
	if a.Admitted != 0 || a.Acknowledged != 0 {
		t.Errorf("accounts are %+v", a)
	}
	mustClose(t, next)
	if got := f.spilled(t); len(got) != 0 {
		t.Errorf("the spill file still holds %d letters", len(got))
	}
	events, streams := f.log.accepted(t)
	if dead(t, streams) != 0 || len(events["t"]) != 4 {
		t.Errorf("%d events are there, streams %+v", len(events["t"]), streams)
	}
}

// A spill file that is full holds callers up, and loses nothing.
func TestFullSpillHoldsCallersUp(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	limits := telemetry.DefaultLimits()
	limits.EventBytes, limits.FrameBytes = 2<<10, 2<<10+20
	p := f.newProducer(t, func(c *telemetry.Config) {
		c.Limits, c.QueueEvents = limits, 2
		c.DeadLetters.QueueEvents, c.DeadLetters.LetterBytes, c.DeadLetters.SpillBytes = 2, limits.FrameBytes, int64(2*limits.FrameBytes)
	})
	f.logDown.Store(true)
	f.letters.Store(true)
	blocked := make(chan struct{})
	var admitted uint64
	go func() {
		defer close(blocked)
		for {
			e := reward("t", admitted)
			e.Body = telemetry.ToolCall{Tool: "x", Output: make([]byte, 1000)}
			if err := p.Admit(t.Context(), e); err != nil {
				if !errors.Is(err, telemetry.ErrClosed) {
					t.Error(err)
				}
				return
			}
			admitted++
		}
	}()
	held := 0
	full := until(t, p, "full", func(a telemetry.Accounts) bool {
		f.clock.jump()
		if a.Queued > 4 {
			t.Errorf("the queues hold 2 events each, but %d are queued", a.Queued)
			return true
		}
		if a.Spilled > 0 && a.Queued == 4 {
			held++
		}
		return held > 20
	})
	a, err := p.Close(deadline(t, 50*time.Millisecond))
	<-blocked
	if !errors.Is(err, spill.ErrFull) || a.Admitted != admitted || a.Spilled != full.Spilled || a.Failed != 4 || !a.Balanced() {
		t.Errorf("Close says %+v, %v; before it %+v", a, err, full)
	}
	if got := f.spilled(t); uint64(len(got)) != a.Spilled {
		t.Errorf("the spill file holds %d letters", len(got))
	}
}

// A batch that does not fit is spilled as far as it does.
func TestSpillTakesWhatItHasRoomFor(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	limits := telemetry.DefaultLimits()
	limits.EventBytes, limits.FrameBytes = 2<<10, 2<<10+20
	p := f.newProducer(t, func(c *telemetry.Config) {
		c.Limits = limits
		c.DeadLetters.LetterBytes, c.DeadLetters.SpillBytes = limits.FrameBytes, int64(4*limits.FrameBytes)
	})
	f.logDown.Store(true)
	f.letters.Store(true)
	for i := range uint64(20) {
		e := reward("t", i)
		e.Body = telemetry.ToolCall{Tool: "x", Output: make([]byte, 1000)}
		if err := p.Admit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	full := until(t, p, "spilled", func(a telemetry.Accounts) bool { f.clock.jump(); return a.Spilled >= 5 })
	a, err := p.Close(deadline(t, 10*time.Millisecond))
	if !errors.Is(err, spill.ErrFull) || a.Spilled < full.Spilled || a.Spilled+a.Failed != 20 || !a.Balanced() {
		t.Errorf("Close says %+v, %v", a, err)
	}
}

func TestFullSpillForgetsTheOldestByChoice(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	limits := telemetry.DefaultLimits()
	limits.EventBytes, limits.FrameBytes = 2<<10, 2<<10+20
	p := f.newProducer(t, func(c *telemetry.Config) {
		c.Limits = limits
		d := c.DeadLetters
		d.LetterBytes, d.SpillBytes, d.WhenSpillFull = limits.FrameBytes, int64(4*limits.FrameBytes), spill.OldestOut
	})
	f.logDown.Store(true)
	f.letters.Store(true)
	for i := range uint64(20) {
		e := reward("t", i)
		e.Body = telemetry.ToolCall{Tool: "x", Output: make([]byte, 1000)}
		if err := p.Admit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		f.clock.jump()
		until(t, p, "spilled", func(a telemetry.Accounts) bool { f.clock.jump(); return a.Queued == 0 })
	}
	a := undelivered(t, p)
	got := f.spilled(t)
	if a.Failed == 0 || a.Overwritten != a.Failed || a.Spilled+a.Failed != 20 || uint64(len(got)) != a.Spilled || len(got) < 3 {
		t.Errorf("accounts are %+v, the file holds %d letters", a, len(got))
	}
	if last := got[len(got)-1].Headers; string(last[2].Value) != "19" {
		t.Errorf("the newest letter has %s", last)
	}
	if _, err := p.Close(deadline(t, 10*time.Millisecond)); err != nil {
		t.Error(err)
	}
}
