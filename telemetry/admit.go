package telemetry

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/telemetry/spill"
)

// Admit takes an event into the queue. On return without error it has its
// sequence and its place, and the trace of ctx; the event's slices are the
// caller's again. A full queue is waited for until ctx ends (ErrQueueFull with
// the context's error) or drops the event (ErrDropped), as configured. Other
// errors are those of Codec.Encode and of the Limiter, ErrNoTopic and ErrClosed.
// The event is taken as it is, for it is threads that take secrets out; but a
// State that holds one is ErrInvalidEvent.
// After an error the event is in no account but Dropped, or Refused and what
// [Accounts] says of it.
func (p *Producer) Admit(ctx context.Context, e Event) error {
	if err := refuseSecrets(p.config.Redact, e.Body); err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	return p.take(ctx, &e, nil)
}

func (p *Producer) admit(ctx context.Context, e Event, d *delivery) error { return p.take(ctx, &e, d) }

func (p *Producer) take(ctx context.Context, e *Event, d *delivery) error {
	it := item{delivery: d}
	if err := p.prepare(ctx, e, &it); err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	if !p.located.Load() {
		if err := p.locate(ctx); err != nil {
			return fmt.Errorf("admit event: %w", err)
		}
		it.admitted = p.config.Now()
	}
	if p.config.Limiter != nil {
		if err := p.config.Limiter.Allow(ctx, p.config.Tenant, 1); err != nil {
			p.refuse(&it, Limited, err)
			return fmt.Errorf("admit event: %w", err)
		}
		it.admitted = p.config.Now()
	}
	q, err := p.balance(it.key)
	if err == nil {
		err = p.enqueue(ctx, q, &it)
	}
	if err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	return nil
}

// prepare makes the message, all but its sequence and its checksum, in the
// caller's goroutine.
func (p *Producer) prepare(ctx context.Context, e *Event, it *item) error {
	if e.Body != nil && !e.Body.threaded() {
		return fmt.Errorf("%w: %T is no event of a thread", ErrInvalidEvent, e.Body)
	}
	it.slab = p.slab()
	frame, elapsed, err := p.encode(e, it.slab.memory())
	it.key, it.frame, it.trace = e.Thread, frame, sharedTrace(ctx)
	it.time, it.admitted = e.Time.UnixNano(), p.started.Add(elapsed)
	headers := p.head.size
	if t := it.trace; t != nil {
		headers += len(t.Parent) + len(t.State) + len(t.Baggage)
	}
	it.size = len(e.Thread) + len(frame) + headers + overhead
	if err == nil {
		err = fits("headers", headers, p.config.Limits.HeaderBytes)
	}
	if err != nil {
		return p.oversize(e, it, err)
	}
	return nil
}

// oversize makes a dead letter of an event that was refused for its size, if
// it can be one, and returns the refusal.
func (p *Producer) oversize(e *Event, it *item, refusal error) error {
	if _, ok := errors.AsType[*PayloadTooLarge](refusal); !ok {
		return refusal
	}
	if p.letters != nil && it.frame == nil {
		e.Clock, e.ClockFlags = p.clock.Now()
		it.frame, _ = p.letters.codec.Encode(*e) // too large even for a letter: counted alone
		it.size += len(it.frame)
	}
	if it.frame == nil || it.size > maxLetter {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.accounts.Refused++
		p.accounts.Discarded++
		return refusal
	}
	p.refuse(it, Oversize, refusal)
	return refusal
}

// maxLetter bounds a letter with its headers, so that a spill file takes it.
const maxLetter = spill.MaxRecord - 1<<20

// enqueue assigns sequence and place in one step, when there is room for the
// event or as soon as there is.
func (p *Producer) enqueue(ctx context.Context, q *partition, it *item) error {
	if !p.room.take(it, p.config.QueueEvents, p.config.QueueBytes) {
		if err := p.wait(ctx, it); err != nil {
			return err
		}
		it.admitted = p.config.Now()
	}
	batch, open := q.door.enter(it)
	if !open {
		p.room.give(roomOf(it))
		return ErrClosed
	}
	// Waking run costs more than all of the above, so it is left asleep when it
	// looks in time anyway.
	if batch || p.asleep.Load() && p.asleep.CompareAndSwap(true, false) {
		p.signal()
	}
	return nil
}

// wait waits until it has taken the room of an item, or drops the event.
func (p *Producer) wait(ctx context.Context, it *item) error {
	for {
		p.lock()
		if p.closing {
			p.mu.Unlock()
			return ErrClosed
		}
		if p.room.take(it, p.config.QueueEvents, p.config.QueueBytes) {
			p.mu.Unlock()
			return nil
		}
		if p.config.WhenFull == Drop {
			p.accounts.Dropped++
			p.mu.Unlock()
			return ErrDropped
		}
		changed := p.waitChange() // room is given back under mu, and announced
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrQueueFull, ctx.Err())
		}
	}
}
