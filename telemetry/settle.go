package telemetry

import "time"

// Pauses between tries of a partition: doubled from the first to the last.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// settle books what became of a request, all of it at one moment. This is the
// only place, beside the deadline of Close, where an event ends. It reports false
// when that deadline came first, and nothing is booked.
func (p *Producer) settle(r request, outcomes []outcome) bool {
	p.lock()
	defer p.mu.Unlock()
	if p.dead {
		return false // Close has booked it as given up and uncertain
	}
	for i, b := range r.batches {
		p.settleBatch(b, outcomes[i])
	}
	p.announce()
	p.signal()
	return true
}

// settleBatch books the outcome of a batch. The caller holds mu.
func (p *Producer) settleBatch(b batch, o outcome) {
	q, n := b.partition, b.n
	q.inFlight = 0
	if o.err == nil {
		q.ceiling.take(b.bytes)
		p.acknowledge(q, n, o.base)
		return
	}
	p.cause = o.err
	switch judge(o.err) {
	case retryLost:
		p.doubt(q, n)
	case halve:
		if n > 1 {
			q.ceiling.refuse(b.bytes)
			return
		}
		p.bury(q, n, TooLarge, o.err)
	case refuse:
		p.bury(q, n, Refused, o.err)
	case retry:
	}
	now := p.config.Now()
	q.failures++
	q.retryAt = now.Add(min(firstPause<<min(q.failures-1, 16), lastPause))
	expired := 0
	for expired < q.queue.n && p.expired(q.queue.at(expired), now) {
		expired++
	}
	p.bury(q, expired, Expired, o.err)
}

// expired reports whether an item is not to be tried any more. What is the
// producer's own is: it ends with Close.
func (p *Producer) expired(it *item, now time.Time) bool {
	return it.buried > 0 || !it.own && now.Sub(it.admitted) >= p.config.Budget
}

// acknowledge ends the n oldest items of a partition: they are in the log.
func (p *Producer) acknowledge(q *partition, n int, base int64) {
	for i := range n {
		it := q.queue.at(i)
		if !it.own {
			p.accounts.Acknowledged++
			p.accounts.Queued--
		}
		if d := it.delivery; d != nil {
			d.positions[d.at(q.number)].Offset = base + int64(i)
		}
	}
	if q.failures > 0 && p.letters != nil {
		p.letters.recovered.Store(true)
		p.letters.signal()
	}
	q.failures, q.retryAt = 0, time.Time{}
	p.release(q, n)
}

// doubt marks the n oldest items: an answer about them was lost.
func (p *Producer) doubt(q *partition, n int) {
	for i := range n {
		it := q.queue.at(i)
		if !it.uncertain && !it.own {
			p.accounts.Uncertain++
		}
		it.uncertain = true
	}
}

// release gives the room of the n oldest items back and lets go of them.
func (p *Producer) release(q *partition, n int) {
	var room uint64
	for i := range n {
		room += p.letGo(q.queue.at(i))
	}
	q.queue.drop(n)
	p.room.give(room)
}

// letGo lets go of an item and returns its room.
func (p *Producer) letGo(it *item) uint64 {
	if it.own {
		p.own--
	}
	if it.delivery != nil {
		it.delivery.settle()
	}
	return roomOf(it)
}
