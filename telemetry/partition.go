package telemetry

import "time"

// item is an admitted event. Only uncertain changes after admission.
type item struct {
	key       string
	frame     []byte
	trace     Trace // as it was in the caller's context at admission
	time      time.Time
	admitted  time.Time
	sequence  uint64
	size      int // bytes of the message and its overhead
	uncertain bool
	own       bool      // the producer's own, in no account: a Final or a tombstone
	buried    uint64    // sequences that a tombstone covers, its own the last; 0 is no tombstone
	delivery  *delivery // of the thread that waits for it, or nil
}

// partition is the queue of one partition. The producer's mu guards it.
type partition struct {
	number   int
	leader   int32
	queue    []item // oldest first
	inFlight int    // how many of them are in the request under way
	next     uint64 // the sequence that the next item gets
	batch    int    // events a request may have; halved when a broker refuses, doubled when it accepts
	failures int    // requests in a row that failed
	retryAt  time.Time
	urgent   bool // someone waits: do not linger
}

// settled is up to which sequence all have an end, good or bad. Those under a
// tombstone have, though it is not in the log yet.
func (q *partition) settled() uint64 {
	for _, it := range q.queue {
		if it.buried == 0 {
			return it.sequence
		}
	}
	return q.next
}

// due says how long from now the queue may still wait before it is sent, and
// whether it is to be sent at all without a further change.
func (q *partition) due(now time.Time, linger time.Duration) (time.Duration, bool) {
	if q.inFlight > 0 || len(q.queue) == 0 {
		return 0, false
	}
	wait := q.retryAt.Sub(now)
	if !q.urgent && len(q.queue) < q.batch {
		wait = max(wait, q.queue[0].admitted.Add(linger).Sub(now))
	}
	return max(wait, 0), true
}

// take puts the next batch in flight: at least one item, at most what batch
// and maxBytes allow. The result is read-only and stays valid; it has so many
// bytes.
func (q *partition) take(maxBytes int) (items []item, size int) {
	n := 0
	for n < len(q.queue) && n < q.batch && (n == 0 || size+q.queue[n].size <= maxBytes) {
		size += q.queue[n].size
		n++
	}
	q.inFlight = n
	q.urgent = q.urgent && n < len(q.queue)
	return append([]item(nil), q.queue[:n]...), size
}

// drop forgets the n oldest items. The memory serves those to come.
func (q *partition) drop(n int) {
	left := copy(q.queue, q.queue[n:])
	clear(q.queue[left:]) // their frames are garbage now
	q.queue = q.queue[:left]
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
