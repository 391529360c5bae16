package collect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

// kept keeps messages.
type kept []threads.Message

func (k *kept) Take(m threads.Message) error { *k = append(*k, m); return nil }
func (k *kept) Aside(threads.Place, error)   {}

func samples(t *testing.T) kept {
	t.Helper()
	var all kept
	path := filepath.Join("..", "threads", "testdata", "otlp")
	if err := (files.Source{Path: path, Limits: files.DefaultLimits()}).Read(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 193 {
		t.Fatalf("%d messages, want 193", len(all))
	}
	return all
}

// filled is a topic with exports of OTLP, frames and what is neither, spread and
// repeated.
func filled(t *testing.T, seed uint64, times int) *memory {
	t.Helper()
	random := numerics.NewStream(seed)
	m := newMemory(5)
	var all [][]byte
	for i, s := range samples(t) {
		if i%4 == 0 { // The others say the same at greater length.
			all = append(all, s.Body)
		}
	}
	for i := range 40 {
		frames := thread(t, fmt.Sprintf("thread-%02d", i), 3+i*7)
		switch i % 5 {
		case 1:
			frames = frames[:len(frames)-1]
		case 2:
			frames = append(frames[:1], frames[2:]...)
		}
		all = append(all, frames...)
	}
	all = append(all, []byte("nonsense"), []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","name":"bad"}]}]}]}`))
	for range times {
		for i := range all {
			j := int(random.Uint64() % uint64(i+1))
			all[i], all[j] = all[j], all[i]
		}
		for _, b := range all {
			m.put(int(random.Uint64()%5), "", b)
		}
	}
	return m
}

// The collector says what a gathering in memory says, however little of it is
// in memory, and hands over each thread with what it was made of.
func TestCollectingSaysWhatGatheringInMemorySays(t *testing.T) {
	t.Parallel()
	m := filled(t, 1, 2)
	g, err := threads.NewGathering(rules())
	if err != nil {
		t.Fatal(err)
	}
	if err := topic(m).Read(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	want, tally, err := g.Threads()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(want, func(a, b threads.Thread) int { return cmpString(a.ID, b.ID) })
	for name, change := range map[string]func(*collect.Options){
		"on disk": func(*collect.Options) {}, "in memory": func(o *collect.Options) { o.Memory = 1 << 30 },
		"one partition at a time": func(o *collect.Options) { o.AtOnce, o.Messages = 1, true },
	} {
		o := options(t)
		change(&o)
		found, report := collected(t, t.Context(), o, topic(m))
		if !report.Whole() || (report.Spilled > 0) == (name == "in memory") {
			t.Errorf("%s: %d bytes on disk, %v unread", name, report.Spilled, report.Unread)
		}
		if len(found) != len(want) {
			t.Fatalf("%s: %d threads, want %d", name, len(found), len(want))
		}
		for i := range found {
			if got, want := told(t, found[i].Thread), told(t, want[i]); got != want {
				t.Fatalf("%s: thread %d is\n%.2000s\nwant\n%.2000s", name, i, got, want)
			}
			if again := regathered(t, found[i].Messages); o.Messages && again != told(t, want[i]) {
				t.Fatalf("%s: what thread %d was made of makes another: %.500s", name, i, again)
			}
		}
		if got, want := told(t, report.Tally), told(t, tally); got != want {
			t.Errorf("%s: counted\n%s\nwant\n%s", name, got, want)
		}
	}
}

func cmpString(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func told(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func regathered(t *testing.T, messages []threads.Message) string {
	t.Helper()
	g, err := threads.NewGathering(rules())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if err := g.Take(m); err != nil {
			t.Fatal(err)
		}
	}
	all, _, _ := g.Threads()
	if len(all) != 1 {
		return fmt.Sprint(len(all), " threads")
	}
	return told(t, all[0])
}

// A reader of partition 0 alone would find none of these threads whole.
func TestThreadsAreJoinedFromAllPartitions(t *testing.T) {
	t.Parallel()
	m := newMemory(8)
	for i := range 50 {
		for n, f := range thread(t, fmt.Sprintf("t%02d", i), 16) {
			m.put((i+n)%8, "", f)
		}
	}
	found, report := collected(t, t.Context(), options(t), topic(m))
	if len(found) != 50 || report.Tally.Events != 800 {
		t.Fatalf("%d threads of %d events", len(found), report.Tally.Events)
	}
	for _, f := range found {
		if f.State != threads.Complete || f.Spans != 16 || f.Task != "task of "+f.ID {
			t.Errorf("%s is %s (%s) with %d events", f.ID, f.State, f.Detail, f.Spans)
		}
	}
	// Each partition is read by as many fetches as it needs, whatever the threads:
	// one for what it holds, and one to see that it is still the same.
	for p, n := range m.reads {
		if n != 2 {
			t.Errorf("partition %d was asked %d times for 50 threads", p, n)
		}
	}
}

// Leaving the loop early ends everything that was begun.
func TestLeavingTheLoopEndsTheCollection(t *testing.T) {
	t.Parallel()
	c, err := collect.New(options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Read(t.Context(), topic(filled(t, 3, 1))); err != nil {
		t.Fatal(err)
	}
	for f, err := range c.Threads(t.Context()) {
		if err != nil || f.ID == "" {
			t.Fatal(f.ID, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	c2, err := collect.New(options(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c2.Close()
	if err := c2.Read(t.Context(), topic(filled(t, 4, 1))); err != nil {
		t.Fatal(err)
	}
	cancel()
	for f, err := range c2.Threads(ctx) {
		if err == nil {
			t.Fatalf("%s was handed over after the end", f.ID)
		}
	}
}
