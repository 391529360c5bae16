package traces

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
)

// thread is what the log holds of one execution: its events by index, each
// once.
type thread struct {
	events []telemetry.Event
	// contradiction says that two events claim the same index.
	contradiction string
	// bad says that a record with the thread's key holds no event of it.
	bad string
	// copies are where events lie that their partition held already.
	copies []job.Position
	tally  Tally
}

type opened struct {
	found
	event telemetry.Event
}

// joinThread opens the records of a thread and puts their events in order.
// Neither the order of the records nor their partitions matter, nor how often
// each is there.
func joinThread(codec *telemetry.Codec, id string, records []found) thread {
	var t thread
	all := make([]opened, 0, len(records))
	slices.SortFunc(records, func(a, b found) int {
		return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.offset, b.offset))
	})
	for _, f := range records {
		event, err := codec.Decode(f.frame)
		if err == nil && event.Thread != id {
			err = fmt.Errorf("event of thread %q under the key %q", event.Thread, id)
		}
		if err != nil {
			t.tally.quarantine(f.partition, f.offset, err)
			if t.bad == "" {
				t.bad = fmt.Sprintf("the record at offset %d of partition %d: %v", f.offset, f.partition, err)
			}
			continue
		}
		all = append(all, opened{f, event})
	}
	slices.SortStableFunc(all, func(a, b opened) int { return cmp.Compare(a.event.Index, b.event.Index) })
	t.events = make([]telemetry.Event, 0, len(all))
	for i, o := range all {
		switch {
		case i == 0 || all[i-1].event.Index != o.event.Index:
			t.events = append(t.events, o.event)
			t.tally.Counts.Events++
		case all[i-1].same(o):
			t.tally.Counts.Duplicates++
			if all[i-1].partition == o.partition {
				t.copies = append(t.copies, job.Position{Partition: o.partition, Offset: o.offset})
			}
		case t.contradiction == "":
			t.contradiction = fmt.Sprintf("two events have index %d", o.event.Index)
		}
	}
	return t
}

// same reports whether two records hold the same event. The frames differ when
// it was framed twice, as when a replay comes without its secrets.
func (o opened) same(p opened) bool {
	return bytes.Equal(o.frame, p.frame) || telemetry.Alike(o.event, p.event)
}

// copied is the first of the positions that holds a copy.
func (t thread) copied(positions []job.Position) (job.Position, bool) {
	i := slices.IndexFunc(positions, func(p job.Position) bool { return slices.Contains(t.copies, p) })
	if i < 0 {
		return job.Position{}, false
	}
	return positions[i], true
}

// missing is how many of the indices below promised were not seen, and the
// first of them.
func (t thread) missing(promised uint64) (n, first uint64) {
	seen := uint64(0)
	first = promised
	for i, e := range t.events {
		if e.Index >= promised {
			break
		}
		if first == promised && e.Index != uint64(i) {
			first = uint64(i)
		}
		seen++
	}
	if first == promised && seen < promised {
		first = seen
	}
	return promised - seen, first
}

// judge says what keeps a thread, of which all promised events are there, from
// being whole: exactly these, the last of them an end that says so.
func (t thread) judge(promised uint64) (job.Reason, string) {
	if t.contradiction != "" {
		return job.CorruptTrace, t.contradiction
	}
	if promised == 0 && len(t.events) == 0 {
		return job.IncompleteTrace, "the agent sent no events"
	}
	if last := t.events[len(t.events)-1].Index; last >= promised {
		return job.CorruptTrace, fmt.Sprintf("there is an event %d, though the agent sent %d", last, promised)
	}
	for i, e := range t.events {
		end, ok := e.Body.(telemetry.End)
		switch {
		case ok && i < len(t.events)-1:
			return job.CorruptTrace, fmt.Sprintf("event %d of %d is an end", i, len(t.events))
		case ok && end.Events != promised:
			return job.CorruptTrace, fmt.Sprintf("the end counts %d events, the agent sent %d", end.Events, promised)
		case !ok && i == len(t.events)-1:
			return job.IncompleteTrace, fmt.Sprintf("the last of %d events is no end", promised)
		}
	}
	return "", ""
}
