package telemetry

import (
	"context"
	"fmt"
)

// Close ends the producer: nothing more is admitted, what is queued is sent,
// and each partition that was used gets a Final. When ctx ends first, what is
// left goes to the spill file, which takes as long as the disk needs for it; it
// has failed where there is none or it has no room. What was in flight then is
// uncertain too. Tombstones and Finals that the log did not take go to the spill
// file as well: the next producer with that file brings them into the log, and
// until then an audit says that the end is unknown. It returns by then, with nothing queued and no goroutine left.
// Its error is ErrUndelivered when events were given up that no Flush has
// reported. A second Close waits for the
// first.
func (p *Producer) Close(ctx context.Context) (Accounts, error) {
	p.lock()
	first := !p.closing
	p.closing = true
	if first {
		for _, q := range p.partitions {
			q.door.close()
		}
		p.intake()
		p.finish()
		p.announce()
	}
	p.mu.Unlock()
	if first {
		p.signal()
		p.drain(ctx)
		p.abort()
		p.connections.close()
		p.transport.CloseIdleConnections()
		if p.letters != nil {
			p.letters.close()
		}
		<-p.done // requests end with their context, which abort has ended
	} else {
		select {
		case <-p.done:
		case <-ctx.Done():
			return p.Accounts(), fmt.Errorf("close telemetry: %w", ctx.Err())
		}
	}
	p.lock()
	defer p.mu.Unlock()
	return p.accounts, p.report()
}

// finish queues the final record of each partition that was used.
func (p *Producer) finish() {
	for _, q := range p.partitions {
		if q.next == 0 {
			continue
		}
		now := p.config.Now()
		frame, _, err := p.encode(&Event{Time: now, Body: Final{Sequences: q.next}}, nil)
		if err != nil {
			continue // only a clock outside 1970 to 2262 or tiny Limits: the tail stays unknown
		}
		p.own++
		last := item{frame: frame, time: now.UnixNano(), admitted: now, sequence: q.next, size: len(frame) + overhead, own: true}
		p.room.force(&last)
		q.queue.push(&last)
		q.next++ // nothing comes through the door any more
		q.urgent = true
	}
}

// drain waits until the queue is empty; when ctx ends first it gives up the
// rest.
func (p *Producer) drain(ctx context.Context) {
	for {
		p.lock()
		empty := p.accounts.Queued == 0 && p.own == 0
		changed := p.waitChange()
		p.mu.Unlock()
		if empty {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			p.giveUp(ctx.Err())
			return
		}
	}
}

// giveUp ends everything that is queued for the log: it has failed, or waits
// for the spill file, however much that is, and with it what readers are to be
// told. What comes back later is ignored.
func (p *Producer) giveUp(cause error) {
	p.lock()
	defer p.mu.Unlock()
	defer p.announce()
	p.dead = true
	if p.cause != nil {
		cause = fmt.Errorf("%w, before it: %w", cause, p.cause)
	}
	now := p.config.Now()
	for _, q := range p.partitions {
		p.doubt(q, q.inFlight)
		q.inFlight = 0
		for i := range q.queue.n {
			it := q.queue.at(i)
			p.room.give(p.letGo(it))
			if it.own {
				p.leave(it, q.number, Closed, cause)
				continue
			}
			if p.letters == nil {
				p.lose(it, q.number, Closed, cause, now)
				continue
			}
			p.mourn(it, cause)
			w := waiting{item: *it, partition: q.number, class: Closed, cause: cause, died: now}
			w.delivery = nil
			p.waiting = append(p.waiting, w)
			p.waitingBytes += w.size
		}
		q.queue = ring{} // a request under way may still read the old one
	}
}
