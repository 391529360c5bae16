package telemetry

import (
	"cmp"
	"slices"
)

// Watermarks follows the sequences of every producer instance in every
// partition while a log is read, drops duplicates and names gaps. The zero
// value is ready; it is not safe for concurrent use. Its memory grows with
// instances, partitions, gaps and runs of tombstones, not with messages.
type Watermarks struct {
	streams map[stream]*watermark
	last    stream // met last, and what was seen of it
	mark    *watermark
}

type stream struct {
	producer  string
	partition int
}

// watermark is what was seen of one stream: everything from first to highest,
// but for the gaps and the dead.
type watermark struct {
	first, highest uint64
	offset         int64 // of the first record
	duplicates     uint64
	reordered      uint64
	gaps           ranges // nothing was heard of these
	dead           ranges // under a tombstone and not seen
}

// Gap is a run of sequences that were not seen.
type Gap struct {
	// From is the first missing sequence, Until the first that is not.
	From, Until uint64
	// ShownBy is the offset of the record that showed the gap.
	ShownBy int64
}

// Stream is the account of one producer instance in one partition.
type Stream struct {
	Producer  string
	Partition int
	// First is the lowest sequence seen; sequences below it lie before the
	// range that was read, or were lost before it.
	First uint64
	// FirstOffset is where reading met the stream.
	FirstOffset int64
	// Highest is the highest sequence seen. What the producer assigned above
	// it nobody can tell from the log, unless its Final was seen.
	Highest uint64
	// Duplicates counts records whose sequence had been seen before.
	Duplicates uint64
	// Reordered counts records that came after a higher sequence.
	Reordered uint64
	// Gaps lists what is missing between First and Highest.
	Gaps []Gap
	// Dead lists what the producer gave up and said so by a tombstone, and what
	// the log does not hold all the same. ShownBy is the tombstone's offset.
	Dead []Gap
}

// Observe takes a record in the order of the log and reports whether it is the
// first of its sequence, tombstones aside: an event that was given up and is
// there all the same, or was replayed, is accepted once. A record without
// producer counts as first always.
func (w *Watermarks) Observe(producer string, partition int, sequence uint64, offset int64) bool {
	if producer == "" {
		return true
	}
	m, fresh := w.at(producer, partition, sequence, offset)
	switch {
	case fresh:
		m.first, m.highest = sequence, sequence
		return true
	case sequence > m.highest:
		m.rise(sequence, offset)
		m.highest = sequence
		return true
	default:
		return m.late(sequence, offset)
	}
}

// Bury takes a tombstone of a producer in the order of the log: the sequences
// first to last were given up. It may be given any number of times, and
// overlap others; what was seen of them stays seen.
func (w *Watermarks) Bury(producer string, partition int, first, last uint64, offset int64) {
	if producer == "" || last+1 <= first {
		return
	}
	m, fresh := w.at(producer, partition, first, offset)
	if fresh {
		m.first, m.highest = first, last
		m.dead = ranges{{From: first, Until: last + 1, ShownBy: offset}}
		return
	}
	if first > m.highest {
		m.rise(first, offset)
		m.dead.add(Gap{From: first, Until: last + 1, ShownBy: offset})
		m.highest = last
		return
	}
	if last > m.highest {
		m.dead.add(Gap{From: m.highest + 1, Until: last + 1, ShownBy: offset})
		last, m.highest = m.highest, last
	}
	if first < m.first {
		below := min(last+1, m.first)
		if below < m.first {
			m.gaps.add(Gap{From: below, Until: m.first, ShownBy: offset})
		}
		m.dead.add(Gap{From: first, Until: below, ShownBy: offset})
		m.first = first
	}
	for _, g := range m.gaps.cut(first, last+1) {
		g.ShownBy = offset
		m.dead.add(g)
	}
}

// at returns the watermark of a stream, and whether it was made just now.
func (w *Watermarks) at(producer string, partition int, sequence uint64, offset int64) (*watermark, bool) {
	key := stream{producer: producer, partition: partition}
	if w.mark != nil && key == w.last {
		return w.mark, false
	}
	w.last, w.mark = key, w.streams[key]
	if w.mark != nil {
		return w.mark, false
	}
	if w.streams == nil {
		w.streams = make(map[stream]*watermark)
	}
	w.mark = &watermark{first: sequence, offset: offset}
	w.streams[key] = w.mark
	return w.mark, true
}

// rise names what lies between the highest sequence and a higher one.
func (m *watermark) rise(sequence uint64, offset int64) {
	if sequence > m.highest+1 {
		m.gaps.add(Gap{From: m.highest + 1, Until: sequence, ShownBy: offset})
	}
}

// late takes a sequence at or below the highest: a duplicate, one that fills a
// gap, one that was given up, or one that comes before the first.
func (m *watermark) late(sequence uint64, offset int64) bool {
	switch {
	case sequence < m.first:
		if sequence+1 < m.first {
			m.gaps.add(Gap{From: sequence + 1, Until: m.first, ShownBy: offset})
		}
		m.first = sequence
	case len(m.gaps.cut(sequence, sequence+1))+len(m.dead.cut(sequence, sequence+1)) == 0:
		m.duplicates++
		return false
	}
	m.reordered++
	return true
}

// Streams returns the account of every stream, by producer and partition.
func (w *Watermarks) Streams() []Stream {
	streams := make([]Stream, 0, len(w.streams))
	for key, m := range w.streams {
		streams = append(streams, Stream{
			Producer: key.producer, Partition: key.partition,
			First: m.first, FirstOffset: m.offset, Highest: m.highest,
			Duplicates: m.duplicates, Reordered: m.reordered, Gaps: slices.Clone(m.gaps), Dead: slices.Clone(m.dead),
		})
	}
	slices.SortFunc(streams, func(a, b Stream) int {
		return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Partition, b.Partition))
	})
	return streams
}
