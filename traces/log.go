// Package traces turns what agents left in a log into one outcome per planned
// rollout.
//
// A collection reads each partition's range once, between two markers that were
// verified before and after ([Topic.Extract]), and keeps the frames of the
// executions that count. [Assemble] joins the frames of each execution from all
// partitions, drops duplicates, and decides whether the thread is complete.
// What the log has lost is evidence ([job.Loss]), never a shorter trace.
//
// Extraction reads through [Log]; everything after it is pure over records.
package traces

import (
	"context"
	"errors"
	"time"
)

// ErrGone says that the log no longer holds, or does not hold, what was asked
// for: the topic, the partition or the offset.
var ErrGone = errors.New("gone from the log")

// ErrTooLarge says that a topic takes no record as large as one is.
var ErrTooLarge = errors.New("larger than the topic takes")

// A Header is one header of a record. Keys may repeat.
type Header struct {
	Key   string
	Value []byte
}

// A Record is one message of a log. Key and Value share no memory with later
// records; a null key or value is nil.
type Record struct {
	Partition  int
	Offset     int64
	Key, Value []byte
	Headers    []Header
}

// Bounds are the ends of a partition: the offset of its first record, and the
// offset that the next record to be written gets.
type Bounds struct {
	First, End int64
}

// A Log holds topics of partitioned, offset-addressed records. Transient
// failures (no leader, no connection) are tried again inside until ctx ends, so
// an error other than ErrGone is final or the context's.
type Log interface {
	// Create makes a topic with so many partitions, which keeps records at
	// least for retention (0: as the log is set up), and returns when each of
	// them can be read and written. A topic that exists stays as it is; if it
	// has another number of partitions, that is an error that names the remedy.
	Create(ctx context.Context, topic string, partitions int, retention time.Duration) error
	// Bounds returns the bounds of each partition, in order.
	Bounds(ctx context.Context, topic string) ([]Bounds, error)
	// Fetch returns records with Offset >= offset, in order, about maxBytes of
	// them and at least one if there is one; none, after a short wait, when
	// offset is the end. It returns ErrGone when offset is outside the bounds.
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]Record, error)
	// Append writes one record without a key and returns its offset once all
	// replicas in sync have it. A failed Append may have written, even twice.
	Append(ctx context.Context, topic string, partition int, value []byte) (int64, error)
}
