// Package index keeps where in a range of a topic each thread's messages lie, so
// that whoever needs some threads of a range that was read once reads only what
// holds them.
//
// An index is one blob per range: index/TOPIC/SHA256 in a store. It is a hint
// and never believed: [Index.Verify] holds it against the log before it is
// used, and every record that is read through it must be of the thread that it
// is there for. An index of a topic that was made again, or of records that the
// log has deleted or compacted since, is refused by name ([ErrStale]); the range
// is read whole then.
package index

import (
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/collect"
)

// ErrStale says that an index does not say what the log holds any more.
var ErrStale = errors.New("the index is not of this log")

// ErrCorrupt says that a blob is no index that was written.
var ErrCorrupt = errors.New("corrupt index")

// An Anchor is a record by which a partition is known again: its offset and, of
// a frame, the CRC-32C of its value. It is 0 of a request of OTLP, which must
// merely be there.
type Anchor struct {
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Sum       uint32 `json:"sum"`
}

// An Index says where the messages of each thread lie.
type Index struct {
	Topic  string
	Ranges []collect.Range
	// Bytes are those of all messages of the range.
	Bytes   int64
	Records int64
	// Anchors are the last records of each partition that belong to a thread.
	Anchors []Anchor
	threads map[string][]Stretch
}

// A Stretch is the offsets of a thread in one partition, ascending.
type Stretch struct {
	Partition int
	Offsets   []int64
}

// Threads are the ids of all threads, in order.
func (x *Index) Threads() []string { return slices.Sorted(maps.Keys(x.threads)) }

// Stretches are where a thread lies, nil for one that the range does not have.
func (x *Index) Stretches(thread string) []Stretch { return x.threads[thread] }

// A Builder makes an index of what a collection hands over with its messages.
type Builder struct {
	index   Index
	anchors map[int]Anchor
	at      map[int][]int64 // of the thread at hand, by partition
}

// NewBuilder begins the index of a range.
func NewBuilder(topic string, ranges []collect.Range) *Builder {
	return &Builder{
		index:   Index{Topic: topic, Ranges: ranges, threads: map[string][]Stretch{}},
		anchors: map[int]Anchor{}, at: map[int][]int64{},
	}
}

// Add takes a thread, or a part of one.
func (b *Builder) Add(f *collect.Found) error {
	for i := range f.Messages {
		m := &f.Messages[i]
		if m.Source != b.index.Topic || m.Partition < 0 {
			return fmt.Errorf("index %s: a message comes from %v", b.index.Topic, m.Place)
		}
		b.at[m.Partition] = append(b.at[m.Partition], m.Offset)
		if a, ok := b.anchors[m.Partition]; !ok || a.Offset < m.Offset {
			b.anchors[m.Partition] = Anchor{m.Partition, m.Offset, sumOf(m.Body)}
		}
		b.index.Bytes += int64(len(m.Body))
		b.index.Records++
	}
	if f.More {
		return nil
	}
	var all []Stretch
	for _, p := range slices.Sorted(maps.Keys(b.at)) {
		offsets := b.at[p]
		slices.Sort(offsets)
		all = append(all, Stretch{p, slices.Clone(slices.Compact(offsets))})
	}
	// A thread of spans and one of frames may have the same id.
	b.index.threads[f.ID] = join(b.index.threads[f.ID], all)
	clear(b.at)
	return nil
}

// Index is the index of all that was added.
func (b *Builder) Index() *Index {
	b.index.Anchors = nil
	for _, p := range slices.Sorted(maps.Keys(b.anchors)) {
		b.index.Anchors = append(b.index.Anchors, b.anchors[p])
	}
	return &b.index
}

func sumOf(body []byte) uint32 {
	if !telemetry.IsFrame(body) {
		return 0
	}
	return crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
}

// join puts stretches of the same partitions together.
func join(a, b []Stretch) []Stretch {
	if len(a) == 0 {
		return b
	}
	byPartition := map[int][]int64{}
	for _, s := range append(a, b...) {
		byPartition[s.Partition] = append(byPartition[s.Partition], s.Offsets...)
	}
	var all []Stretch
	for _, p := range slices.Sorted(maps.Keys(byPartition)) {
		slices.Sort(byPartition[p])
		all = append(all, Stretch{p, slices.Compact(byPartition[p])})
	}
	return all
}
