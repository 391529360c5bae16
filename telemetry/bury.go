package telemetry

import (
	"fmt"
	"time"
)

// bury gives up the n oldest items of a partition, or as many as the dead
// letters have room for: those that have none keep their places. A tombstone
// takes the place of those that go, and of the tombstone that was there before
// them, so a partition never has more than one. The caller holds mu.
func (p *Producer) bury(q *partition, n int, class Class, cause error) {
	now := p.config.Now()
	gone, last := 0, false
	for gone < n && !last {
		it := q.queue.at(gone)
		switch {
		case it.buried > 0:
		case it.own: // the final record: nothing comes after it
			last = true
		case !p.lose(it, q.number, class, cause, now):
			n = gone
			continue
		}
		gone++
	}
	switch {
	case gone == 0 || gone == 1 && q.queue.at(0).buried > 0:
		return
	case last: // what nobody could be told before the end
		p.leaveEnd(q, gone-1, class, cause)
		p.release(q, gone)
		return
	}
	stone, err := p.tombstone(q.queue.at(0), q.queue.at(gone-1), class, cause, now)
	if err != nil { // only a clock outside 1970 to 2262 or tiny Limits: a hole that readers name
		p.release(q, gone)
		return
	}
	p.release(q, gone-1)
	p.room.give(p.letGo(q.queue.at(0))) // its place is the tombstone's
	*q.queue.at(0) = stone
	p.own++
}

// lose ends an event that was given up: it moves on to the dead letters, or has
// failed where there are none. It reports false when they have no room, and
// then nothing has changed.
func (p *Producer) lose(it *item, partition int, class Class, cause error, now time.Time) bool {
	if !p.toLetters(waiting{item: *it, partition: partition, class: class, cause: cause, died: now}) {
		if p.letters != nil {
			return false
		}
		p.accounts.Failed++
		p.accounts.Queued--
	}
	p.mourn(it, cause)
	return true
}

// mourn keeps why an event was given up, for whoever asks.
func (p *Producer) mourn(it *item, cause error) {
	p.unreported++
	p.cause = cause
	if d := it.delivery; d != nil {
		d.failed++
		d.cause = cause
	}
}

// toLetters hands an event to the dead letters, if there are any and they have
// room. The caller holds mu and accounts for it as queued.
func (p *Producer) toLetters(w waiting) bool {
	if p.letters == nil {
		return false
	}
	c := p.letters.config
	if len(p.waiting) >= c.QueueEvents || len(p.waiting) > 0 && p.waitingBytes+w.size > c.QueueBytes {
		return false
	}
	w.delivery = nil
	p.waiting = append(p.waiting, w)
	p.waitingBytes += w.size
	p.letters.signal()
	return true
}

// tombstone makes the record that stands for the items from the oldest, which
// may be a tombstone itself, to the latest. It takes no room of the queue.
func (p *Producer) tombstone(oldest, latest *item, class Class, cause error, now time.Time) (item, error) {
	last := latest.sequence
	first := oldest.sequence
	if b := oldest.buried; b > 0 {
		first -= b - 1
	}
	count := last - first + 1
	reason := string(class)
	if cause != nil {
		reason = fmt.Sprintf("%s: %v", class, cause)
	}
	if p.letters != nil {
		reason = p.letters.redactor.Text(reason)
	}
	frame, _, err := p.encode(&Event{Time: now, Body: Tombstone{First: first, Count: count, Reason: line(reason, p.config.Limits.NameBytes)}}, nil)
	return item{frame: frame, time: now.UnixNano(), admitted: now, sequence: last, own: true, buried: count}, err
}

// refuse books an event that was refused at the door, where its caller is told.
// With dead letters that have room it is admitted all the same, without a
// sequence, and becomes one.
func (p *Producer) refuse(it *item, class Class, cause error) {
	p.lock()
	defer p.mu.Unlock()
	p.accounts.Refused++
	now := p.config.Now()
	if p.closing || !p.toLetters(waiting{item: *it, partition: -1, class: class, cause: cause, died: now}) {
		p.accounts.Discarded++
		return
	}
	p.accounts.Admitted++
	p.accounts.Queued++
}
