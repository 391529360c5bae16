// Package audit holds a topic against what its producers say they sent: it
// tells loss from silence. Nothing is taken for lost that the log cannot show.
package audit

import (
	"github.com/cohort-rl/cohort/telemetry"
)

// maxListed bounds the lists of a report. The counts beside them are whole.
const maxListed = 100

// A Report is the account of one topic. Its lists are in the order of
// producer, partition, offset and thread.
type Report struct {
	Topic string `json:"topic"`
	// Partitions are what was read.
	Partitions []Partition `json:"partitions"`
	// Streams has the first hundred streams that something is to be said about:
	// a gap, dead letters, a cut start, duplicates, reorderings, an unclean end.
	Streams []Stream `json:"streams,omitempty"`
	// Threads has the first hundred threads that have ended and lack events.
	Threads []Thread `json:"threads,omitempty"`
	// Unreadable has the first hundred records that are nothing of ours.
	Unreadable []Unreadable `json:"unreadable,omitempty"`
	Totals     Totals       `json:"totals"`
}

// Totals are the sums over a topic.
type Totals struct {
	// Records = Events + Finals + Markers + Tombstones + Duplicates + Unreadable.
	Records    int64 `json:"records"`
	Events     int64 `json:"events"`
	Finals     int64 `json:"finals"`
	Markers    int64 `json:"markers"`
	Tombstones int64 `json:"tombstones"`
	Duplicates int64 `json:"duplicates"`
	Unreadable int64 `json:"unreadable"`
	Reordered  int64 `json:"reordered"`
	// Producers counts producer instances, Streams their partitions.
	Producers int `json:"producers"`
	Streams   int `json:"streams"`
	// Gap counts sequences that a producer assigned and the log does not hold,
	// up to the highest that was seen of it.
	Gap int64 `json:"gap"`
	// DeadLettered counts sequences that a producer gave up and said so by a
	// tombstone, and that the log does not hold. They are in no gap.
	DeadLettered int64 `json:"dead_lettered"`
	// Replayed counts events among the Events that were sent again from the dead
	// letters.
	Replayed int64 `json:"replayed"`
	// Trimmed counts streams whose beginning the log no longer reaches back to.
	Trimmed int `json:"trimmed"`
	// Unclean counts streams without a final record: whether more was sent than
	// was seen, nobody can tell.
	Unclean int `json:"unclean"`
	// Threads = Complete + Open + Incomplete. Open threads have no end, or a
	// beginning that was trimmed; incomplete ones have ended and lack events.
	Threads    int `json:"threads"`
	Complete   int `json:"complete"`
	Open       int `json:"open"`
	Incomplete int `json:"incomplete"`
}

// Whole says that the log lacks nothing that it can be known to lack, and holds
// nothing that cannot be read.
func (r *Report) Whole() bool {
	return r.Totals.Gap == 0 && r.Totals.Incomplete == 0 && r.Totals.Unreadable == 0
}

// A Partition is what was read of a partition: offsets First to End - 1.
type Partition struct {
	Number  int   `json:"partition"`
	First   int64 `json:"first"`
	End     int64 `json:"end"`
	Records int64 `json:"records"`
}

// A Stream is what one producer instance left in one partition.
type Stream struct {
	Producer  string `json:"producer"`
	Partition int    `json:"partition"`
	// First and Highest are the lowest and the highest sequence seen.
	First   uint64 `json:"first"`
	Highest uint64 `json:"highest"`
	// Gaps are what is missing, in the order of sequences.
	Gaps []Gap `json:"gaps,omitempty"`
	// Dead is what its tombstones cover and the log does not hold.
	Dead       []Gap  `json:"dead,omitempty"`
	Duplicates uint64 `json:"duplicates,omitempty"`
	Reordered  uint64 `json:"reordered,omitempty"`
	// StartsAt is the offset at which the log begins, when the sequences below
	// First lay before it; -1 otherwise.
	StartsAt int64 `json:"starts_at"`
	// Unclean says that there is no final record, so that the tail is unknown.
	Unclean bool `json:"unclean,omitempty"`
}

// A Gap is a run of missing sequences: From to Until - 1.
type Gap struct {
	From  uint64 `json:"from"`
	Until uint64 `json:"until"`
	// ShownBy is the offset of the record that showed it.
	ShownBy int64 `json:"shown_by"`
}

// A Thread has ended and lacks events.
type Thread struct {
	ID string `json:"thread"`
	// Events is how many its end says it has, Missing how many of them are not there.
	Events  uint64 `json:"events"`
	Missing uint64 `json:"missing"`
}

// Unreadable is a record that is no frame, or not one of ours.
type Unreadable struct {
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Reason    string `json:"reason"`
}

// missing is the number of sequences or indices in gaps.
func missing(gaps []telemetry.Gap) uint64 {
	var n uint64
	for _, g := range gaps {
		n += g.Until - g.From
	}
	return n
}
