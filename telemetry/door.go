package telemetry

import (
	"sync"
	"sync/atomic"
)

// door is where events enter the queue of a partition: they get sequence and
// place in one step, under a lock that is held for the copy of an item alone,
// whatever becomes of the partition's requests meanwhile.
type door struct {
	mu      sync.Mutex // guards what follows; taken after the producer's mu, if both are
	entered []item     // since the queue was last looked at, in the order of their sequences
	next    uint64     // the sequence that the next item gets
	full    int        // run is told when so many have entered; 0 is never
	closed  bool

	spare []item   // what entered has room in next time; the producer's mu guards it
	_     [64]byte // what others write is on other cache lines
}

// enter gives an item its sequence and its place, and reports whether the
// partition has a batch with it. It is refused once the door is closed.
func (d *door) enter(it *item) (batch, open bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false, false
	}
	it.sequence = d.next
	d.next++
	d.entered = append(d.entered, *it)
	return len(d.entered) == d.full, true
}

// watch says at how many items that wait at the door run is to be told, and
// reports whether there are some, and whether they are so many already.
func (d *door) watch(full int) (some, enough bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
	return len(d.entered) > 0, full > 0 && len(d.entered) >= full
}

// close lets nothing more in.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// lock takes mu, and the events at the doors into the queues: whoever has it
// sees each event whose Admit has returned, in the queue and in the accounts.
func (p *Producer) lock() {
	p.mu.Lock()
	p.intake()
}

// intake takes the events at the doors into the queues. The caller holds mu.
func (p *Producer) intake() {
	for _, q := range p.partitions {
		d := &q.door
		d.mu.Lock()
		entered := d.entered
		d.entered, q.next = d.spare, d.next
		d.mu.Unlock()
		d.spare = nil
		for i := range entered {
			it := &entered[i]
			if it.delivery != nil {
				it.delivery.pending++
				it.delivery.at(q.number)
			}
			q.queue.push(it)
		}
		p.accounts.Admitted += uint64(len(entered))
		p.accounts.Queued += uint64(len(entered))
		clear(entered)
		d.spare = entered[:0]
	}
}

// room is what the queue holds, and a request may not yet have given back:
// events in the upper bits and their bytes in the lower ones, so that both
// change in one step.
type room struct {
	held atomic.Uint64
	_    [56]byte // what others write is on other cache lines
}

const (
	roomShift     = 40
	maxRoomBytes  = 1<<(roomShift-1) - 1 // the producer's own records go beyond
	maxRoomEvents = 1<<(64-roomShift) - 1
)

// roomOf is what an item takes.
func roomOf(it *item) uint64 {
	if it.own {
		return uint64(it.size) //nolint:gosec // not negative
	}
	return 1<<roomShift + uint64(it.size) //nolint:gosec // not negative
}

// take takes the room of an item, if there is as much.
func (r *room) take(it *item, events, bytes int) bool {
	for {
		held := r.held.Load()
		if held>>roomShift >= uint64(events) || held&(1<<roomShift-1)+uint64(it.size) > uint64(bytes) { //nolint:gosec // not negative
			return false
		}
		if r.held.CompareAndSwap(held, held+roomOf(it)) {
			return true
		}
	}
}

// force takes the room of an item whether it is there or not.
func (r *room) force(it *item) { r.held.Add(roomOf(it)) }

// give gives room back.
func (r *room) give(held uint64) { r.held.Add(-held) }
