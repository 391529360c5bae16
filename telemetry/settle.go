package telemetry

import "time"

// Pauses between tries of a partition: doubled from the first to the last.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// settle books the outcome of a batch. This is the only place, beside the
// deadline of Close, where an event ends.
func (p *Producer) settle(b batch, o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.signal()
	if p.dead {
		return // Close has booked it as failed and uncertain
	}
	defer p.announce()
	q, n := b.partition, len(b.items)
	q.inFlight = 0
	if o.err == nil {
		p.acknowledge(q, n, o.base)
		return
	}
	p.cause = o.err
	switch judge(o.err) {
	case retryLost:
		p.doubt(q, n)
	case halve:
		if n > 1 {
			q.batch = n / 2
			return
		}
		p.fail(q, n, o.err)
	case refuse:
		p.fail(q, n, o.err)
	case retry:
	}
	now := p.config.Now()
	q.failures++
	q.retryAt = now.Add(min(firstPause<<min(q.failures-1, 16), lastPause))
	expired := 0
	for expired < len(q.queue) && now.Sub(q.queue[expired].admitted) >= p.config.Budget {
		expired++
	}
	p.fail(q, expired, o.err)
}

// acknowledge ends the n oldest items of a partition: they are in the log.
func (p *Producer) acknowledge(q *partition, n int, base int64) {
	for i := range q.queue[:n] {
		it := &q.queue[i]
		if !it.final {
			p.accounts.Acknowledged++
		}
		if d := it.delivery; d != nil {
			d.positions[d.at(q.number)].Offset = base + int64(i)
		}
	}
	q.failures, q.retryAt = 0, time.Time{}
	q.batch = min(2*q.batch, p.config.BatchEvents)
	p.release(q, n)
}

// doubt marks the n oldest items: an answer about them was lost.
func (p *Producer) doubt(q *partition, n int) {
	for i := range q.queue[:n] {
		it := &q.queue[i]
		if !it.uncertain && !it.final {
			p.accounts.Uncertain++
		}
		it.uncertain = true
	}
}

// fail gives up the n oldest items and keeps the cause for whoever asks.
func (p *Producer) fail(q *partition, n int, cause error) {
	for i := range q.queue[:n] {
		it := &q.queue[i]
		if it.final {
			continue
		}
		p.accounts.Failed++
		p.unreported++
		p.cause = cause
		if d := it.delivery; d != nil {
			d.failed++
			d.cause = cause
		}
	}
	p.release(q, n)
}

// release gives the room of the n oldest items back and lets go of them.
func (p *Producer) release(q *partition, n int) {
	for i := range q.queue[:n] {
		it := &q.queue[i]
		p.bytes -= it.size
		if it.final {
			p.finals--
		} else {
			p.accounts.Queued--
		}
		if it.delivery != nil {
			it.delivery.settle()
		}
	}
	q.drop(n)
}
