package traces_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// one collects a round of one group after hurt changed what the agent of its
// first rollout sends or says. The second rollout is always whole.
func one(t *testing.T, hurt func(r *round)) (traces.Extracted, traces.Assembled) {
	t.Helper()
	b, r := newBench(t, 1), newRound(1, 0)
	hurt(&r)
	for _, m := range r.messages(b.topic.Codec) {
		b.log.put(0, m.key, m.frame)
	}
	found, all := b.collect(t, r, true)
	if o := all.Outcomes[1]; o.Reason != "" || o.Decisions != 2 || o.Events != 5 {
		t.Fatalf("the other rollout is %+v", o)
	}
	return found, all
}

// decision is the first decision that the first rollout sends, at index 1.
func (r *round) decision(change func(d *telemetry.Decision)) {
	d := r.events[0][1].Body.(telemetry.Decision)
	change(&d)
	r.events[0][1].Body = d
}

func TestThreadsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		hurt   func(r *round)
		reason job.Reason
		detail string
	}{
		{"whole", func(*round) {}, "", ""},
		{"no event at all", func(r *round) { r.events[0], r.executions[0].Events = nil, 0 }, job.IncompleteTrace, "sent no events"},
		{"no end", func(r *round) { r.events[0] = r.events[0][:3]; r.executions[0].Events = 3 }, job.IncompleteTrace, "no end"},
		{"promised more", func(r *round) { r.executions[0].Events = 9 }, job.IncompleteTrace, "5 of 9 events are missing, the first is 4"},
		{"promised less", func(r *round) { r.executions[0].Events = 3 }, job.CorruptTrace, "event 3, though the agent sent 3"},
		{"end counts others", func(r *round) { r.events[0][3].Body = telemetry.End{Events: 7} }, job.CorruptTrace, "the end counts 7"},
		{"end in the middle", func(r *round) { r.events[0][1].Body = telemetry.End{Events: 2} }, job.CorruptTrace, "event 1 of 4 is an end"},
		{"contradiction", func(r *round) {
			r.events[0] = append(r.events[0], r.events[0][2])
			r.events[0][4].Name = "other"
		}, job.CorruptTrace, "two events have index 2"},
		{"hole in the indices", func(r *round) { r.events[0][2].Index = 7 }, job.IncompleteTrace, "1 of 4"},
		{"stale", func(r *round) { r.decision(func(d *telemetry.Decision) { d.Policy = "latest" }) }, job.StalePolicy, `event 1 was decided under weights "latest"`},
		{"stale model call", func(r *round) { r.events[0][2].Body = telemetry.ModelCall{Policy: "old"} }, job.StalePolicy, `"old"`},
		{"model that is not trained", func(r *round) { r.events[0][2].Body = telemetry.ModelCall{Model: "m"} }, "", ""},
		{"other width", func(r *round) { r.decision(func(d *telemetry.Decision) { d.Width = 1 }) }, job.CorruptTrace, "1 features, the policy has 2"},
		{"decision number", func(r *round) { r.decision(func(d *telemetry.Decision) { d.Number = 1 }) }, job.CorruptTrace, "decision 0 of 1 has number 1"},
		{"replayed without its secrets", func(r *round) {
			again := r.events[0][2]
			r.events[0][2].Attributes = []telemetry.Attribute{{Key: "token", Value: "hunter2"}}
			again.Attributes = []telemetry.Attribute{{Key: "token", Value: telemetry.Redacted}}
			r.events[0] = append(r.events[0], again)
		}, "", ""},
		{"an error on the way", func(r *round) { r.events[0][2].Body = telemetry.Error{Class: "E"} }, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, all := one(t, c.hurt)
			o := all.Outcomes[0]
			if o.Reason != c.reason || !strings.Contains(o.Detail, c.detail) {
				t.Fatalf("got %q (%s), want %q (%s)", o.Reason, o.Detail, c.reason, c.detail)
			}
			if whole := all.Traces[0].Events != nil; whole != (c.reason == "") {
				t.Fatalf("trace %+v", all.Traces[0])
			}
		})
	}
}

func TestPoisonedMessagesAreQuarantinedByOffset(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, 1), newRound(1, 0)
	messages := r.messages(b.topic.Codec)
	key, frame := messages[0].key, messages[0].frame
	flipped := bytes.Clone(frame)
	flipped[len(flipped)-1] ^= 1
	huge := bytes.Clone(frame)
	copy(huge[8:], []byte{0, 0, 0, 100}) // claims 1.6 GB
	bad := map[int64]bool{}
	for _, p := range []struct {
		key   string
		value []byte
	}{
		{"", nil},
		{"", []byte("{}")},
		{"", flipped},
		{"nobody", []byte("junk")},
		{key, frame[:len(frame)-3]},
		{key, flipped},
		{key, huge},
		{key, nil},
		{key, messages[len(messages)-1].frame}, // of another thread
	} {
		bad[b.log.put(0, p.key, p.value)] = true
	}
	for _, m := range messages {
		b.log.put(0, m.key, m.frame)
	}
	found, all := b.collect(t, r, false)
	found.Add(all.Tally)
	if found.Counts.Quarantined != int64(len(bad)) {
		t.Fatalf("%d quarantined, want %d", found.Counts.Quarantined, len(bad))
	}
	for _, q := range found.Quarantine {
		if !bad[q.Offset] || q.Reason == "" {
			t.Errorf("quarantined %+v", q)
		}
		delete(bad, q.Offset)
	}
	if len(bad) > 0 {
		t.Errorf("not named: %v", bad)
	}
	for _, o := range all.Outcomes {
		if o.Reason != "" {
			t.Errorf("poison hurt %+v", o)
		}
	}
}

// A tombstone is nobody's event, and no poison.
func TestTombstonesAreLeftToTheAudit(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, 1), newRound(1, 0)
	for i, m := range r.messages(b.topic.Codec) {
		if i == 2 {
			frame, err := b.topic.Codec.Encode(telemetry.Event{Time: time.Unix(1, 0), Body: telemetry.Tombstone{First: 3, Count: 2}})
			if err != nil {
				t.Fatal(err)
			}
			b.log.put(0, "", frame)
		}
		b.log.put(0, m.key, m.frame)
	}
	found, all := b.collect(t, r, false)
	if found.Counts.Quarantined != 0 || all.Outcomes[0].Reason != "" || all.Outcomes[1].Reason != "" {
		t.Errorf("quarantined %d, outcomes %+v", found.Counts.Quarantined, all.Outcomes)
	}
}

// A record of a thread that holds no event is the agent's doing, not a loss.
func TestBadRecordInPlaceOfAnEventCorruptsItsThread(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, 1), newRound(1, 0)
	for _, m := range r.messages(b.topic.Codec) {
		if m.place == 0 && m.index == 2 {
			m.frame = m.frame[:30]
		}
		b.log.put(0, m.key, m.frame)
	}
	_, all := b.collect(t, r, false)
	if o := all.Outcomes[0]; o.Reason != job.CorruptTrace || !strings.Contains(o.Detail, "offset 3 of partition 0") || len(all.Losses) > 0 {
		t.Fatalf("%+v, %v", o, all.Losses)
	}
}

func TestOnlyTheExecutionThatCountsIsKept(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, 2), newRound(1, 0)
	unit := r.plan.Unit
	other := unit
	other.Step++
	elsewhere := []string{
		unit.ThreadID(99, 0, "n0"), unit.ThreadID(5, 9, "n0"), unit.ThreadPrefix() + "x", other.ThreadID(5, 0, "n0"), "nobody",
	}
	zombies := []string{unit.ThreadID(5, 0, "zombie"), unit.ThreadID(5, 1, "n0")}
	for _, thread := range append(elsewhere, zombies...) {
		for _, e := range script(thread, 2, 9) {
			frame, err := b.topic.Codec.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			b.log.put(int(e.Index%2), thread, frame)
		}
	}
	for _, m := range r.messages(b.topic.Codec) {
		b.log.put(m.index%2, m.key, m.frame)
	}
	b.mark(t) // markers that no record names, as a driver that crashed leaves them
	found, got := b.collect(t, r, false)
	if want := plain(t, r); !reflect.DeepEqual(got.Traces, want.Traces) {
		t.Fatal("traces differ")
	}
	if c := found.Counts; c.Foreign != 25 || c.Superseded != 10 || c.Quarantined != 0 {
		t.Fatalf("counts %+v", c)
	}
}

func TestEachPartitionIsReadOnce(t *testing.T) {
	t.Parallel()
	b, r := newBench(t, 3), newRound(50, 0)
	for i, m := range r.messages(b.topic.Codec) {
		b.log.put(i%3, m.key, m.frame)
	}
	_, all := b.collect(t, r, false)
	if all.Counts.Events < 400 {
		t.Fatalf("counts %+v", all.Counts)
	}
	for p, n := range b.log.reads {
		if n != 5 { // two markers, twice, and the range
			t.Errorf("partition %d was fetched %d times for 100 threads", p, n)
		}
	}
}

func TestCorruptPartsAreRefused(t *testing.T) {
	t.Parallel()
	b, r := filled(t)
	parts, _, err := b.topic.ExtractAll(t.Context(), r.collection(), b.ranges(t))
	if err != nil || len(parts) != 1 {
		t.Fatal(len(parts), err)
	}
	assembly := traces.Assembly{Collection: r.collection(), To: 2, Features: features, Spent: func(int, int) bool { return true }}
	for n := range parts[0] {
		_, err := traces.Assemble(b.topic.Codec, assembly, [][]byte{parts[0][:n]})
		if err != nil && !errors.Is(err, traces.ErrCorruptPart) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	assembly.From = 1
	if _, err := traces.Assemble(b.topic.Codec, assembly, parts); !errors.Is(err, traces.ErrCorruptPart) {
		t.Fatalf("a part of another shard: %v", err)
	}
}
