//go:build services

package integration_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
)

// found is what a topic holds.
type found struct {
	events     map[string]bool            // by identity
	places     map[string]map[uint64]bool // of each thread's events
	streams    map[string]*sequences      // by producer and partition
	duplicates int
}

// sequences are those of one producer in one partition.
type sequences struct {
	seen, dead map[uint64]bool
	highest    uint64
}

// look reads the log with nothing but maps, so that the audit has something to
// be held against. Each event counts once, by its identity.
func (s *series) look(t *testing.T) *found {
	t.Helper()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	f := &found{events: map[string]bool{}, places: map[string]map[uint64]bool{}, streams: map[string]*sequences{}}
	scan(t, s.of, s.topic, func(r traces.Record, headers []telemetry.Header) error {
		origin, err := telemetry.ParseHeaders(headers, telemetry.DefaultLimits())
		if err != nil {
			return err
		}
		e, err := codec.Decode(r.Value)
		if err != nil {
			return err
		}
		f.take(t, identity(headers, r.Partition), stream(origin.Producer, r.Partition), origin.Sequence, e)
		return nil
	})
	return f
}

func stream(producer string, partition int) string { return fmt.Sprintf("%s/%d", producer, partition) }

func (f *found) take(t *testing.T, id, stream string, sequence uint64, e telemetry.Event) {
	t.Helper()
	q := f.streams[stream]
	if q == nil {
		q = &sequences{seen: map[uint64]bool{}, dead: map[uint64]bool{}}
		f.streams[stream] = q
	}
	q.highest = max(q.highest, sequence)
	if grave, ok := e.Body.(telemetry.Tombstone); ok {
		for n := range grave.Count {
			q.dead[grave.First+n] = true
		}
		return
	}
	if q.seen[sequence] {
		f.duplicates++
		return
	}
	q.seen[sequence] = true
	if e.Thread == "" {
		return
	}
	f.events[id] = true
	if f.places[e.Thread] == nil {
		f.places[e.Thread] = map[uint64]bool{}
	}
	if f.places[e.Thread][e.Index] {
		t.Errorf("event %d of thread %s is there under two sequences", e.Index, e.Thread)
	}
	f.places[e.Thread][e.Index] = true
}

// gaps are the sequences of which nothing is to be seen, in runs.
func (q *sequences) gaps() (gaps [][2]uint64) {
	for n := range q.highest {
		switch {
		case q.seen[n] || q.dead[n]:
		case len(gaps) > 0 && gaps[len(gaps)-1][1] == n:
			gaps[len(gaps)-1][1]++
		default:
			gaps = append(gaps, [2]uint64{n, n + 1})
		}
	}
	return gaps
}

// check holds the log against what the killed said and what is due from the
// spill file, and the audit against the log.
func (s *series) check(t *testing.T, f *found, due map[string]bool) audit.Totals {
	t.Helper()
	report := auditTopic(t, s.of, s.topic)
	for thread := range s.acknowledged {
		if n := len(f.places[thread]); n != threadEvents {
			t.Errorf("thread %s was acknowledged and has %d of %d events", thread, n, threadEvents)
		}
	}
	for id := range due {
		if !f.events[id] {
			t.Errorf("event %s was in the spill file and is not in the log", id)
		}
	}
	listed := map[string]audit.Stream{}
	for _, a := range report.Streams {
		listed[stream(a.Producer, a.Partition)] = a
	}
	holes := int64(0)
	for name, q := range f.streams {
		a := listed[name]
		var named [][2]uint64
		for _, g := range a.Gaps {
			named = append(named, [2]uint64{g.From, g.Until})
			holes += int64(g.Until - g.From)
		}
		if want := q.gaps(); !reflect.DeepEqual(named, want) {
			t.Errorf("the audit names the holes %v of %s, there are %v", named, name, want)
		}
		if producer, _, _ := strings.Cut(name, "/"); s.instances[producer] && (!a.Unclean || a.Highest != q.highest) {
			t.Errorf("the audit says %+v of %s, which was killed after %d", a, name, q.highest)
		}
	}
	if report.Totals.Gap != holes || int(report.Totals.Duplicates) != f.duplicates || report.Totals.Unreadable != 0 {
		t.Errorf("%d are missing, %d there twice; the audit says %+v", holes, f.duplicates, report.Totals)
	}
	return report.Totals
}
