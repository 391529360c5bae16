package telemetry

import (
	"cmp"
	"slices"
)

// Watermarks follows the sequences of every producer instance in every
// partition while a log is read, drops duplicates and names gaps. The zero
// value is ready; it is not safe for concurrent use. Its memory grows with
// instances, partitions and gaps, not with messages.
type Watermarks struct {
	streams map[stream]*watermark
}

type stream struct {
	producer  string
	partition int
}

// watermark is what was seen of one stream: everything from first to highest,
// but for the gaps.
type watermark struct {
	first, highest uint64
	offset         int64 // of the first record
	duplicates     uint64
	reordered      uint64
	gaps           []Gap // sorted by sequence
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
}

// Observe takes a record in the order of the log and reports whether it is the
// first of its sequence. A record without producer counts as first always.
func (w *Watermarks) Observe(producer string, partition int, sequence uint64, offset int64) bool {
	if producer == "" {
		return true
	}
	key := stream{producer: producer, partition: partition}
	m := w.streams[key]
	switch {
	case m == nil:
		if w.streams == nil {
			w.streams = make(map[stream]*watermark)
		}
		w.streams[key] = &watermark{first: sequence, highest: sequence, offset: offset}
		return true
	case sequence > m.highest:
		if sequence > m.highest+1 {
			m.gaps = append(m.gaps, Gap{From: m.highest + 1, Until: sequence, ShownBy: offset})
		}
		m.highest = sequence
		return true
	default:
		return m.late(sequence, offset)
	}
}

// late takes a sequence at or below the highest: a duplicate, or one that
// fills a gap or comes before the first.
func (m *watermark) late(sequence uint64, offset int64) bool {
	if sequence < m.first {
		if sequence+1 < m.first {
			m.gaps = slices.Insert(m.gaps, 0, Gap{From: sequence + 1, Until: m.first, ShownBy: offset})
		}
		m.first = sequence
		m.reordered++
		return true
	}
	i, _ := slices.BinarySearchFunc(m.gaps, sequence, func(g Gap, s uint64) int {
		if s < g.Until {
			return 1
		}
		return -1
	})
	if i == len(m.gaps) || sequence < m.gaps[i].From {
		m.duplicates++
		return false
	}
	g := m.gaps[i]
	var rest []Gap
	if g.From < sequence {
		rest = append(rest, Gap{From: g.From, Until: sequence, ShownBy: g.ShownBy})
	}
	if sequence+1 < g.Until {
		rest = append(rest, Gap{From: sequence + 1, Until: g.Until, ShownBy: g.ShownBy})
	}
	m.gaps = slices.Replace(m.gaps, i, i+1, rest...)
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
			Duplicates: m.duplicates, Reordered: m.reordered, Gaps: slices.Clone(m.gaps),
		})
	}
	slices.SortFunc(streams, func(a, b Stream) int {
		return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Partition, b.Partition))
	})
	return streams
}
