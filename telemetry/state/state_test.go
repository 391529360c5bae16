package state_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/telemetry/state"
)

func newWriter(tb interface{ Fatal(...any) }, limits state.Limits, interval int) (*state.Writer, *state.Counters) {
	var counters state.Counters
	w, err := state.NewWriter(limits, interval, &counters)
	if err != nil {
		tb.Fatal(err)
	}
	return w, &counters
}

// record admits a value and returns its change.
func record(tb interface{ Fatal(...any) }, w *state.Writer, value any) state.Change {
	var change state.Change
	if err := w.Record(value, func(c state.Change) error { change = c; return nil }); err != nil {
		tb.Fatal(err)
	}
	return change
}

// values draws a state of an agent: nested, with numbers that are no doubles and
// names that need escapes in a path.
func values() *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.SampledFrom([]any{nil, true, false, "", "a", "ü\u2028<&>\"\\", json.Number("-0"), json.Number("9007199254740993"), 0.1, 1e21, -1e-7, uint64(math.MaxUint64)}),
		rapid.Map(rapid.Int(), func(i int) any { return i }),
	)
	name := rapid.SampledFrom([]string{"a", "b", "~1", "x/y", "", "\U0001F600", "\uFFFD", "0", "-"})
	value := leaf
	for range 3 {
		inner := value
		value = rapid.OneOf(leaf,
			rapid.Map(rapid.SliceOfN(inner, 0, 4), func(s []any) any { return s }),
			rapid.Map(rapid.MapOfN(name, inner, 0, 4), func(m map[string]any) any { return m }),
		)
	}
	return value
}

// T3: whatever is refused, lost or damaged on the way, a reader has each state
// as it was written or says that it has not.
func TestEachStateIsRebuiltOrItsBreakReported(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, _ := newWriter(t, state.DefaultLimits(), rapid.IntRange(1, 6).Draw(t, "interval"))
		type sent struct {
			change state.Change
			want   []byte
			fate   string
		}
		var log []sent
		value := rapid.Map(rapid.SliceOfN(values(), 3, 8), func(s []any) any { return s }).Draw(t, "first").([]any)
		for range rapid.IntRange(1, 20).Draw(t, "states") {
			value[rapid.IntRange(0, len(value)-1).Draw(t, "place")] = values().Draw(t, "value")
			switch rapid.IntRange(0, 9).Draw(t, "length") {
			case 0:
				value = append(value, rapid.StringN(0, 20, -1).Draw(t, "text"))
			case 1:
				value = value[:max(len(value)-1, 1)]
			}
			fate := rapid.SampledFrom([]string{"arrives", "arrives", "arrives", "arrives", "refused", "lost", "lost and known", "damaged"}).Draw(t, "fate")
			err := w.Record(value, func(c state.Change) error {
				if fate == "refused" {
					return errors.New("queue is full")
				}
				text, err := json.Marshal(value)
				if err != nil {
					return err
				}
				want, err := state.Canonical(text, state.DefaultLimits())
				if err != nil {
					return err
				}
				c.Document = bytes.Clone(c.Document)
				log = append(log, sent{c, want, fate})
				return nil
			})
			if (err != nil) != (fate == "refused") {
				t.Fatal(fate, err)
			}
			if fate == "lost and known" {
				w.Lost()
			}
		}
		r := state.NewReader("t", state.DefaultLimits())
		broken, pending := 0, false // what the reader must notice, and did not yet have occasion to
		for i, s := range log {
			switch s.fate {
			case "lost", "lost and known":
				pending = true
				continue
			case "damaged":
				at := rapid.IntRange(0, len(s.change.Document)-1).Draw(t, "byte")
				s.change.Document[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
			got, err := r.Read(uint64(i), "memory", s.change)
			if got != nil && !bytes.Equal(got, s.want) {
				t.Fatalf("version %d is %s, want %s", s.change.Version, got, s.want)
			}
			if s.fate == "arrives" && s.change.Kind == state.Full && got == nil {
				t.Fatalf("a key frame was not read: %v", err)
			}
			if pending {
				broken, pending = broken+1, false
				if err == nil {
					t.Fatalf("nothing is said of what is missing before version %d", s.change.Version)
				}
			}
			if got == nil && err == nil {
				t.Fatal("neither a state nor an error")
			}
			if err != nil && broken == 0 && s.fate == "arrives" && r.First().Index == uint64(i) {
				t.Fatalf("break in a whole log: %v", err)
			}
		}
		if broken > 0 && r.First() == nil {
			t.Fatal("no first break")
		}
	})
}

func TestStateIsSentAsADifferenceAndWholeForAReason(t *testing.T) {
	t.Parallel()
	limits := state.DefaultLimits()
	limits.Operations = 3
	w, counters := newWriter(t, limits, 5)
	memory := func(n int) map[string]any {
		return map[string]any{"task": strings.Repeat("long ", 200), "n": n, "list": make([]int, n)}
	}
	refuse := errors.New("no")
	var got []string
	note := func(c state.Change) {
		got = append(got, fmt.Sprintf("%d/%d kind %d reason %d", c.Version, c.Base, c.Kind, c.Reason))
	}
	note(record(t, w, memory(1)))
	note(record(t, w, memory(2)))
	note(record(t, w, memory(9)))              // eight operations
	note(record(t, w, map[string]any{"n": 9})) // three, and small
	note(record(t, w, memory(9)))              // the patch has the long text
	if err := w.Record(memory(10), func(state.Change) error { return refuse }); !errors.Is(err, refuse) {
		t.Fatal(err)
	}
	note(record(t, w, memory(10)))
	for range 4 {
		note(record(t, w, memory(10)))
	}
	note(record(t, w, memory(10)))
	w.Lost()
	note(record(t, w, memory(10)))
	if err := w.Record(make(chan int), func(state.Change) error { return nil }); !errors.Is(err, state.ErrInvalid) {
		t.Errorf("a channel: %v", err)
	}
	note(record(t, w, memory(10)))
	want := []string{
		"1/0 kind 1 reason 1", "2/1 kind 2 reason 0", "3/0 kind 1 reason 5", "4/0 kind 1 reason 4", "5/0 kind 1 reason 4", "6/0 kind 1 reason 3",
		"7/6 kind 2 reason 0", "8/7 kind 2 reason 0", "9/8 kind 2 reason 0", "10/9 kind 2 reason 0", "11/0 kind 1 reason 2",
		"12/0 kind 1 reason 3", "13/0 kind 1 reason 3",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c := counters.Counts(); c != (state.Counts{Patches: 5, First: 1, Interval: 1, AfterFailure: 3, Larger: 2, Operations: 1, Refused: 2}) {
		t.Errorf("counted %+v", c)
	}
}

// The library that applies patches takes an empty name for the whole; a state
// that has one is therefore sent whole. Numbers keep their digits.
func TestPatchThatDoesNotLeadToTheStateIsNotSent(t *testing.T) {
	t.Parallel()
	w, counters := newWriter(t, state.DefaultLimits(), 100)
	text := strings.Repeat("x", 100)
	record(t, w, map[string]any{"": []int{1}, "text": text})
	if c := record(t, w, map[string]any{"": []int{1, 2}, "text": text}); c.Kind != state.Full || c.Reason != state.PatchFailed {
		t.Errorf("sent kind %d for reason %d: %s", c.Kind, c.Reason, c.Document)
	}
	if got := counters.Counts(); got.PatchFailed != 1 {
		t.Errorf("counted %+v", got)
	}
	w, _ = newWriter(t, state.DefaultLimits(), 100)
	for _, id := range []int64{1 << 53, 1<<53 + 1, 1<<53 + 2} {
		if c := record(t, w, map[string]any{"id": id, "text": text}); !bytes.Contains(c.Document, fmt.Append(nil, id)) || id != 1<<53 && c.Kind != state.Patch {
			t.Errorf("%d is sent as %s", id, c.Document)
		}
	}
}

func TestReaderNamesTheFirstBreakAndGoesOn(t *testing.T) {
	t.Parallel()
	w, _ := newWriter(t, state.DefaultLimits(), 3)
	text := strings.Repeat("x", 100)
	var log []state.Change
	for n := range 7 {
		log = append(log, record(t, w, map[string]any{"n": n, "text": text}))
	}
	log[1].Document = bytes.Replace(bytes.Clone(log[1].Document), []byte("1"), []byte("5"), 1)
	r := state.NewReader("job/1", state.DefaultLimits())
	var got []string
	for i, c := range log {
		if i == 4 {
			continue // lost
		}
		text, err := r.Read(uint64(10+i), "memory", c)
		what := "state"
		if text == nil {
			what = "none"
		}
		for _, e := range []error{state.ErrHash, state.ErrBase, state.ErrMissing} {
			if errors.Is(err, e) {
				what += ", " + e.Error()
			}
		}
		got = append(got, what)
	}
	want := []string{"state", "none, " + state.ErrHash.Error(), "none, " + state.ErrBase.Error(), "state", "none, " + state.ErrBase.Error(), "state"}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("read %q, want %q", got, want)
	}
	first := r.First()
	if first == nil || first.Thread != "job/1" || first.Name != "memory" || first.Index != 11 || first.Version != 2 ||
		!bytes.Equal(first.Want, log[1].SHA256) || len(first.Got) != 32 || r.Breaks() != 3 {
		t.Errorf("first break is %v, of %d", first, r.Breaks())
	}
	if !strings.Contains(first.Error(), fmt.Sprintf(`state "memory" of thread "job/1" breaks at event 11, version 2: state has another hash than its writer said: want %x, got `, log[1].SHA256)) {
		t.Errorf("it says %q", first)
	}
}

func TestStatesAreBounded(t *testing.T) {
	t.Parallel()
	limits := state.Limits{Bytes: 64, Operations: 2, Depth: 3, Names: 1}
	w, _ := newWriter(t, limits, 4)
	for name, value := range map[string]any{"bytes": strings.Repeat("x", 64), "depth": json.RawMessage(`[[[["]]]]"]]]]`)} {
		if err := w.Record(value, func(state.Change) error { return nil }); !errors.Is(err, state.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := record(t, w, json.RawMessage(`{"a":"[[[[","b":"\"[["}`))
	for name, document := range map[string]string{
		"operations": `[{"op":"remove","path":"/a"},{"op":"remove","path":"/b"},{"op":"add","path":"/a","value":1}]`,
		"depth":      `[{"op":"add","path":"/a","value":[[[1]]]}]`,
		"copies":     `[{"op":"copy","from":"","path":"/a"},{"op":"copy","from":"","path":"/b"}]`,
		"document":   strings.Repeat(" ", 65),
	} {
		r := state.NewReader("t", limits)
		if _, err := r.Read(0, "n", full); err != nil {
			t.Fatal(err)
		}
		c := state.Change{Kind: state.Patch, Document: []byte(document), SHA256: make([]byte, 32), Version: 2, Base: 1}
		got, err := r.Read(1, "n", c)
		if got != nil || !errors.Is(err, state.ErrTooLarge) && !errors.Is(err, state.ErrInvalid) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if _, err := r.Read(2, "another", full); !errors.Is(err, state.ErrNames) {
			t.Errorf("a second name: %v", err)
		}
	}
}

// RFC 8785, section 3.2.3 and appendix B, but for the integer.
func TestCanonicalForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"\u20ac":1, "\r":2, "\ufb33":3, "1":4, "\ud83d\ude00":5, "\u0080":6, "\u00f6":7}`: "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}",
		`[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0.0]`:       `[333333333.3333333,1e+30,4.5,0.002,1e-27,0]`,
		`[12345678901234567890, "\u000F\u003c/"]`:                                           `[12345678901234567890,"\u000f</"]`,
	} {
		got, err := state.Canonical([]byte(text), state.DefaultLimits())
		if err != nil || string(got) != want {
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{`{"a":1,"a":2}`, "\"\xff\"", `[1`, ``, `NaN`} {
		if got, err := state.Canonical([]byte(text), state.DefaultLimits()); !errors.Is(err, state.ErrInvalid) {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
}
