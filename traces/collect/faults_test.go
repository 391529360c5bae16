package collect_test

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

var large = flag.Int("large", 20_000, "events of the thread that is too large to be held")

// states counts threads as "state (reason)".
func states(found []collect.Found) map[string]int {
	all := map[string]int{}
	for _, f := range found {
		if f.More {
			continue
		}
		if f.Reason == "" {
			all[string(f.State)]++
		} else {
			all[fmt.Sprintf("%s (%s)", f.State, f.Reason)]++
		}
	}
	return all
}

func TestIdleTopicIsCollectedAtOnce(t *testing.T) {
	t.Parallel()
	found, report := collected(t, t.Context(), options(t), topic(newMemory(3)))
	if len(found) != 0 || !report.Whole() || report.Tally.Messages != 0 || report.Nothing() != nil {
		t.Errorf("%d threads, %+v", len(found), report)
	}
}

// A topic that is written while it is read is read up to where it ended.
func TestTopicThatNeverEndsIsReadToWhereItEnded(t *testing.T) {
	t.Parallel()
	m := newMemory(2)
	m.most = 3
	for _, f := range thread(t, "a", 20) {
		m.put(1, "", f)
	}
	late := thread(t, "late", 5)[1]
	m.before = func(int, int64) {
		for range 10 {
			m.put(1, "", late)
		}
	}
	found, report := collected(t, t.Context(), options(t), topic(m))
	if len(found) != 1 || found[0].State != threads.Complete || report.Tally.Messages != 20 || !report.Whole() {
		t.Errorf("%v of %d messages, %v", states(found), report.Tally.Messages, report.Unread)
	}
}

// What is poisoned is set aside with its partition and offset, and hurts nobody.
func TestPoisonedMessagesAreSetAsideByOffset(t *testing.T) {
	t.Parallel()
	m := newMemory(2)
	whole := thread(t, "a", 10)
	packed, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.Zstd)
	if err != nil {
		t.Fatal(err)
	}
	bomb, err := packed.Encode(telemetry.Event{Thread: "bomb", Time: time.Unix(1, 0), Body: telemetry.ToolCall{Tool: "t", Input: make([]byte, 800<<10)}})
	if err != nil {
		t.Fatal(err)
	}
	claims := append([]byte(nil), bomb...)
	binary.LittleEndian.PutUint32(claims[8:], 100_000_000)
	poison := []struct {
		body []byte
		want string
	}{
		{whole[3][:len(whole[3])-5], "corrupt frame"},
		{claims, "event of 100000000 bytes is over the limit"},
		{append(append([]byte(nil), bomb[:len(bomb)-1]...), bomb[len(bomb)-1]^1), "corrupt frame: checksum differs"},
		{[]byte(`{"some":"schema"}`), "neither resourceSpans nor resourceLogs"},
		{[]byte("\x0a\xff\xff\xff\xff\x0f"), "claims"},
		{nil, "it is empty"},
		{append([]byte{0x1f, 0x8b}, make([]byte, 100)...), "compressed with gzip"},
	}
	for i, f := range whole {
		m.put(0, "", f)
		if i < len(poison) {
			m.put(0, "", poison[i].body)
		}
	}
	found, report := collected(t, t.Context(), options(t), topic(m))
	if len(found) != 1 || found[0].State != threads.Complete || found[0].Spans != 10 {
		t.Errorf("threads: %v", states(found))
	}
	if n := report.Tally.SetAside; n != int64(len(poison)) || report.Tally.Messages != n+10 || !report.Whole() {
		t.Errorf("%d of %d messages set aside", n, report.Tally.Messages)
	}
	for i, a := range report.Tally.Aside {
		if a.Partition != 0 || a.Offset != int64(2*i+1) || !strings.Contains(a.Reason, poison[i].want) {
			t.Errorf("set aside %v: %s; want offset %d, %q", a.Place, a.Reason, 2*i+1, poison[i].want)
		}
	}
}

// Half of the threads lack something, every message is there three times, in
// another order and another partition each time: each thread is in its state, and
// the counts sum.
func TestHalfOfTheThreadsIncompleteAndEverythingThreeTimes(t *testing.T) {
	t.Parallel()
	m := newMemory(7)
	random := numerics.NewStream(5)
	events := int64(0)
	for i := range 200 {
		frames := thread(t, fmt.Sprintf("t%03d", i), 12)
		switch i % 4 {
		case 1:
			frames = frames[:11] // no end
		case 3:
			frames = append(frames[:5], frames[6:]...)
		}
		events += int64(len(frames))
		m.spread(random, "", frames, 3)
	}
	found, report := collected(t, t.Context(), options(t), topic(m))
	got := states(found)
	if len(found) != 200 || got["complete"] != 100 || got["open (no end event yet)"] != 50 || got["orphaned (events are missing)"] != 50 {
		t.Errorf("threads: %v", got)
	}
	if c := report.Tally; c.Events != events || c.Duplicates != 2*events || c.Messages != 3*events {
		t.Errorf("%d events and %d duplicates of %d messages, want %d and twice that", c.Events, c.Duplicates, c.Messages, events)
	}
	sum := 0
	for _, s := range report.Threads {
		sum += s.Threads
	}
	if sum != 200 {
		t.Errorf("the report has %d threads", sum)
	}
}

// A thread that is too large to be held is judged and counted whole, on disk; its
// first events are kept, and its messages come in parts.
func TestLargeThreadIsJudgedWithoutBeingHeld(t *testing.T) {
	t.Parallel()
	m := newMemory(4)
	random := numerics.NewStream(9)
	m.spread(random, "", thread(t, "large", *large), 1)
	m.spread(random, "", thread(t, "small", 10), 1)
	o := options(t)
	o.Thread, o.Events, o.Messages = 64<<10, 100, true
	found, report := collected(t, t.Context(), o, topic(m))
	parts := 0
	for ; parts < len(found) && found[parts].More; parts++ {
		if found[parts].ID != "large" {
			t.Fatalf("a part of %s", found[parts].ID)
		}
	}
	messages := 0
	for _, f := range found[:len(found)-1] {
		messages += len(f.Messages)
	}
	if len(found) != parts+2 || messages != *large {
		t.Fatalf("%d parts of %d with %d messages", parts, len(found), messages)
	}
	f := found[parts]
	if f.State != threads.Complete || f.Spans != *large || f.Decisions != *large-3 || f.Rewards != 1 {
		t.Errorf("%s (%s): %d events, %+v", f.State, f.Detail, f.Spans, f.Counts)
	}
	if kept := len(f.Roots[0].Children); kept != 100 || f.Omitted != *large-2-100 {
		t.Errorf("%d events kept, %d omitted", kept, f.Omitted)
	}
	if found[parts+1].ID != "small" || found[parts+1].State != threads.Complete || report.Spilled == 0 {
		t.Errorf("then comes %s, %d bytes on disk", found[parts+1].ID, report.Spilled)
	}
	without := thread(t, "large", *large)
	m = newMemory(4)
	m.spread(random, "", append(without[:*large/2], without[*large/2+1:]...), 2)
	found, _ = collected(t, t.Context(), func() collect.Options { o.Messages = false; return o }(), topic(m))
	if got := states(found); got["orphaned (events are missing)"] != 1 || found[0].Duplicates != *large-1 {
		t.Errorf("without one event it is %v with %d duplicates", got, found[0].Duplicates)
	}
}

// deadline is a context whose deadline comes when done is closed.
type deadline struct {
	context.Context //nolint:containedctx // it is one
	done            chan struct{}
}

func (d *deadline) Done() <-chan struct{} { return d.done }

func (d *deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// A partition that does not answer costs its own records alone, and is named.
func TestPartitionWithoutALeaderIsNamedAtTheDeadline(t *testing.T) {
	t.Parallel()
	m := newMemory(4)
	for i := range 8 {
		for n, f := range thread(t, fmt.Sprint("t", i), 8) {
			p := i % 4
			if i == 0 && n == 4 {
				p = 3
			}
			m.put(p, "", f)
		}
	}
	m.away[3] = true
	// The deadline comes once the others were read, each with two fetches.
	ctx := &deadline{Context: t.Context(), done: make(chan struct{})}
	var fetches atomic.Int64
	m.before = func(int, int64) {
		if fetches.Add(1) == 6 {
			close(ctx.done)
		}
	}
	found, report := collected(t, ctx, options(t), topic(m))
	if u := report.Unread; len(u) != 1 || u[0].Partition != 3 || u[0].Reason != collect.AfterDeadline || !strings.Contains(u[0].Detail, "no leader") {
		t.Errorf("not read: %+v", report.Unread)
	}
	if got := states(found); report.Whole() || got["complete"] != 5 || got["open (not everything was read)"] != 1 {
		t.Errorf("threads: %v", got)
	}
}

// What the log loses while it is read is named, and what is behind it is read.
func TestWhatTheLogLosesUnderTheReaderIsNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lose func(m *memory)
		want collect.Unread
		read int64
	}{
		"retention": {
			func(m *memory) { m.deleteBefore(0, 30) },
			collect.Unread{Partition: 0, From: 10, Until: 30, Reason: collect.Deleted},
			30,
		},
		"cut": {func(m *memory) {
			m.mu.Lock()
			m.records[0], m.end[0] = m.records[0][:5], 5
			m.mu.Unlock()
		}, collect.Unread{Partition: 0, From: 10, Until: 50, Reason: collect.Cut}, 10},
		"made again": {func(m *memory) {
			m.mu.Lock()
			for i := range m.records[0] {
				m.records[0][i].Value = []byte("another")
			}
			m.mu.Unlock()
		}, collect.Unread{Partition: 0, From: 0, Until: 50, Reason: collect.MadeAgain}, 50},
	} {
		m := newMemory(1)
		m.most = 10
		for _, f := range thread(t, "a", 50) {
			m.put(0, "", f)
		}
		m.before = func(_ int, offset int64) {
			if offset == 10 {
				m.before = nil
				c.lose(m)
			}
		}
		found, report := collected(t, t.Context(), options(t), topic(m))
		c.want.Source = "topic"
		if len(report.Unread) == 1 {
			c.want.Detail = report.Unread[0].Detail
		}
		if len(report.Unread) != 1 || report.Unread[0] != c.want || report.Tally.Messages != c.read {
			t.Errorf("%s: %d messages, not read: %+v, want %+v", name, report.Tally.Messages, report.Unread, c.want)
		}
		if name != "made again" && states(found)["open (not everything was read)"] != 1 {
			t.Errorf("%s: threads: %v", name, states(found))
		}
	}
}
