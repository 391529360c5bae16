package main

import (
	"context"
	"sync"
	"time"
)

const (
	// frameBytes is about what a frame of event has.
	frameBytes = 300
	// ringSlots is how many events a producer's queue has by default.
	ringSlots = 1 << 16
)

// ring is the least that a bounded queue can be: slots under a mutex, into which
// what comes is copied. A consumer takes it out again, as a sender does.
type ring struct {
	mu    sync.Mutex // guards head and next; slots from head to next are the consumer's
	room  sync.Cond  // of mu: the consumer has given slots back
	slots [][frameBytes]byte
	head  uint64
	next  uint64
}

// newRing returns a ring whose memory is there already.
func newRing() *ring {
	r := &ring{slots: make([][frameBytes]byte, ringSlots)}
	r.room.L = &r.mu
	for i := range r.slots {
		r.slots[i][0] = 1
	}
	return r
}

// append copies a body into the next slot, as soon as one is free.
func (r *ring) append(body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.next-r.head == ringSlots {
		r.room.Wait()
	}
	copy(r.slots[r.next%ringSlots][:], body)
	r.next++
}

// drain takes out what there is every millisecond, for that long a producer
// lets events wait for company, until ctx ends. It copies without the lock.
func (r *ring) drain(ctx context.Context) {
	linger := time.NewTicker(time.Millisecond)
	defer linger.Stop()
	var batch []byte
	for ctx.Err() == nil {
		select {
		case <-linger.C:
		case <-ctx.Done():
		}
		r.mu.Lock()
		head, next := r.head, r.next
		r.mu.Unlock()
		batch = batch[:0]
		for i := head; i < next; i++ {
			batch = append(batch, r.slots[i%ringSlots][:]...)
		}
		r.mu.Lock()
		r.head = next
		r.room.Broadcast()
		r.mu.Unlock()
	}
}
