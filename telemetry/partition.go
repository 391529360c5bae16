package telemetry

import "time"

// item is an admitted event. Only uncertain changes after admission.
type item struct {
	key       string
	frame     []byte
	slab      *slab  // the frame's memory if it has room; nil for none
	trace     *Trace // as it was in the caller's context at admission; nil for none
	time      int64  // of the event, in nanoseconds since 1970
	admitted  time.Time
	sequence  uint64
	size      int // bytes of the message and its overhead
	uncertain bool
	own       bool      // the producer's own, in no account: a Final or a tombstone
	buried    uint64    // sequences that a tombstone covers, its own the last; 0 is no tombstone
	delivery  *delivery // of the thread that waits for it, or nil
}

// traced is the trace of the item's event, or none.
func (it *item) traced() Trace {
	if it.trace == nil {
		return Trace{}
	}
	return *it.trace
}

// milliseconds is the time of the item's message, of which 0 says nothing.
func (it *item) milliseconds() int64 {
	if it.time < int64(time.Millisecond) {
		return it.admitted.UnixMilli()
	}
	return it.time / int64(time.Millisecond)
}

// partition is the queue of one partition. The producer's mu guards it, but for
// its door.
type partition struct {
	door     door
	number   int
	leader   int32
	queue    ring
	inFlight int    // how many of them are in the request under way
	next     uint64 // the sequence after that of the latest item
	batch    int    // events a request may have
	ceiling  ceiling
	failures int // requests in a row that failed
	retryAt  time.Time
	urgent   bool // someone waits: do not linger
}

// settled is up to which sequence all have an end, good or bad. Those under a
// tombstone have, though it is not in the log yet.
func (q *partition) settled() uint64 {
	for i := range q.queue.n {
		if it := q.queue.at(i); it.buried == 0 {
			return it.sequence
		}
	}
	return q.next
}

// due says how long from now the queue may still wait before it is sent, and
// whether it is to be sent at all without a further change.
func (q *partition) due(now time.Time, linger time.Duration) (time.Duration, bool) {
	if q.inFlight > 0 || q.queue.n == 0 {
		return 0, false
	}
	wait := q.retryAt.Sub(now)
	if !q.urgent && q.queue.n < q.batch {
		wait = max(wait, q.queue.at(0).admitted.Add(linger).Sub(now))
	}
	return max(wait, 0), true
}

// take puts the next batch in flight: at least one item, at most what batch,
// ceiling and maxBytes allow. Its items are read-only and stay valid until it is
// settled.
func (q *partition) take(maxBytes int) (b batch) {
	size := batchHeader
	maxBytes = q.ceiling.most(maxBytes)
	for b.n < q.queue.n && b.n < q.batch {
		wire := q.queue.at(b.n).size - overhead + recordFraming
		if b.n > 0 && size+wire > maxBytes {
			break
		}
		size += wire
		b.n++
	}
	q.inFlight = b.n
	q.urgent = q.urgent && b.n < q.queue.n
	b.partition, b.items, b.bytes = q, q.queue.first(b.n), size
	return b
}

// delivery follows the events of one thread. The producer's mu guards it.
type delivery struct {
	pending   int
	failed    uint64
	cause     error
	positions []Position // per partition the last acknowledged, -1 if none yet; sorted
	settled   chan struct{}
}

// at returns the index of a partition's position, making it if needed.
func (d *delivery) at(partition int) int {
	i := 0
	for i < len(d.positions) && d.positions[i].Partition < partition {
		i++
	}
	if i == len(d.positions) || d.positions[i].Partition != partition {
		d.positions = append(d.positions, Position{})
		copy(d.positions[i+1:], d.positions[i:])
		d.positions[i] = Position{Partition: partition, Offset: -1}
	}
	return i
}

// settle ends one event of the thread.
func (d *delivery) settle() {
	d.pending--
	if d.pending == 0 && d.settled != nil {
		close(d.settled)
		d.settled = nil
	}
}
