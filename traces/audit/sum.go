package audit

import (
	"cmp"
	"slices"

	"github.com/cohort-rl/cohort/telemetry"
)

// report puts together what was found in the partitions.
func report(topic string, readings []*reading, threads *threads) *Report {
	r := &Report{Topic: topic}
	producers := map[string]bool{}
	trimmed := false
	for _, from := range readings {
		r.Partitions = append(r.Partitions, from.partition)
		r.Totals.add(from.totals)
		r.Unreadable = append(r.Unreadable, from.unreadable...)
		trimmed = trimmed || from.partition.First > 0
		for _, s := range from.marks.Streams() {
			producers[s.Producer] = true
			r.stream(streamOf(s, from))
		}
	}
	r.Totals.Producers = len(producers)
	slices.SortFunc(r.Streams, func(a, b Stream) int {
		return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Partition, b.Partition))
	})
	for _, s := range threads.marks.Streams() {
		r.thread(s, threads.ends, trimmed)
	}
	r.Streams = r.Streams[:min(len(r.Streams), maxListed)]
	r.Unreadable = r.Unreadable[:min(len(r.Unreadable), maxListed)]
	return r
}

// add sums what one partition has beside its streams.
func (t *Totals) add(o Totals) {
	t.Records += o.Records
	t.Events += o.Events
	t.Finals += o.Finals
	t.Markers += o.Markers
	t.Tombstones += o.Tombstones
	t.Replayed += o.Replayed
	t.Duplicates += o.Duplicates
	t.Unreadable += o.Unreadable
}

// streamOf is the account of a stream. Sequences below the first one seen are
// missing, unless the log begins later than its partition did.
func streamOf(s telemetry.Stream, from *reading) Stream {
	out := Stream{
		Producer: s.Producer, Partition: s.Partition, First: s.First, Highest: s.Highest,
		Duplicates: s.Duplicates, Reordered: s.Reordered, StartsAt: -1, Unclean: !from.finals[s.Producer],
	}
	if s.First > 0 && from.partition.First > 0 {
		out.StartsAt = from.partition.First
	} else if s.First > 0 {
		out.Gaps = append(out.Gaps, Gap{From: 0, Until: s.First, ShownBy: s.FirstOffset})
	}
	for _, g := range s.Gaps {
		out.Gaps = append(out.Gaps, Gap(g))
	}
	for _, g := range s.Dead {
		out.Dead = append(out.Dead, Gap(g))
	}
	return out
}

// stream books a stream, and lists it if there is something to say about it.
func (r *Report) stream(s Stream) {
	r.Totals.Streams++
	r.Totals.Reordered += int64(s.Reordered) //nolint:gosec // counts of records
	for _, g := range s.Gaps {
		r.Totals.Gap += int64(g.Until - g.From) //nolint:gosec // counts of records
	}
	for _, g := range s.Dead {
		r.Totals.DeadLettered += int64(g.Until - g.From) //nolint:gosec // counts of records
	}
	if s.StartsAt >= 0 {
		r.Totals.Trimmed++
	}
	if s.Unclean {
		r.Totals.Unclean++
	}
	if len(s.Gaps)+len(s.Dead) > 0 || s.StartsAt >= 0 || s.Unclean || s.Duplicates > 0 || s.Reordered > 0 {
		r.Streams = append(r.Streams, s)
	}
}

// thread books a thread by its indices. In a log that was trimmed, a thread that
// lacks its beginning alone is open.
func (r *Report) thread(s telemetry.Stream, ends map[string]uint64, trimmed bool) {
	r.Totals.Threads++
	events, ended := ends[s.Producer]
	lacking := missing(s.Gaps) + s.First
	if ended && events > s.Highest+1 {
		lacking += events - s.Highest - 1
	}
	switch {
	case !ended, trimmed && s.First > 0 && lacking == s.First:
		r.Totals.Open++
	case lacking == 0:
		r.Totals.Complete++
	default:
		r.Totals.Incomplete++
		if len(r.Threads) < maxListed {
			r.Threads = append(r.Threads, Thread{ID: s.Producer, Events: events, Missing: lacking})
		}
	}
}
