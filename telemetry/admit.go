package telemetry

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry/spill"
)

// Admit takes an event into the queue. On return without error it has its
// sequence and its place, and the trace of ctx; the event's slices are the
// caller's again. A full queue is waited for until ctx ends (ErrQueueFull with
// the context's error) or drops the event (ErrDropped), as configured. Other
// errors are those of Codec.Encode and of the Limiter, ErrNoTopic and ErrClosed.
// After an error the event is in no account but Dropped, or Refused and what
// [Accounts] says of it.
func (p *Producer) Admit(ctx context.Context, e Event) error {
	return p.admit(ctx, e, nil)
}

func (p *Producer) admit(ctx context.Context, e Event, d *delivery) error {
	it, key, err := p.prepare(ctx, &e)
	if err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	if err := p.locate(ctx); err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	if p.config.Limiter != nil {
		if err := p.config.Limiter.Allow(ctx, p.config.Tenant, 1); err != nil {
			p.refuse(&it, Limited, err)
			return fmt.Errorf("admit event: %w", err)
		}
	}
	it.delivery = d
	q, err := p.balance(key)
	if err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	for {
		changed, err := p.enqueue(q, &it)
		if err != nil {
			return fmt.Errorf("admit event: %w", err)
		}
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("admit event: %w: %w", ErrQueueFull, ctx.Err())
		}
	}
}

// prepare makes the message, all but its sequence, in the caller's goroutine,
// and a copy of its key for the balancer.
func (p *Producer) prepare(ctx context.Context, e *Event) (it item, key []byte, err error) {
	if e.Body != nil && !e.Body.threaded() {
		return it, nil, fmt.Errorf("%w: %T is no event of a thread", ErrInvalidEvent, e.Body)
	}
	s := p.slab()
	frame, key, err := p.encode(e, s.memory(), len(e.Thread))
	it = item{key: e.Thread, frame: frame, slab: s, trace: sharedTrace(ctx), time: e.Time.UnixNano()}
	headers := p.head.size
	if t := it.trace; t != nil {
		headers += len(t.Parent) + len(t.State) + len(t.Baggage)
	}
	it.size = len(e.Thread) + len(frame) + headers + overhead
	if err == nil {
		err = fits("headers", headers, p.config.Limits.HeaderBytes)
	}
	if err != nil {
		return it, nil, p.oversize(e, &it, err)
	}
	copy(key, e.Thread)
	return it, key, nil
}

// balance returns the partition of a key. The partitions are known.
func (p *Producer) balance(key []byte) (*partition, error) {
	number := p.config.Balancer.Balance(kafka.Message{Topic: p.config.Topic, Key: key}, p.numbers...)
	if number < 0 || number >= len(p.partitions) {
		return nil, fmt.Errorf("%w: Balancer chose partition %d of %d", ErrInvalidConfig, number, len(p.partitions))
	}
	return p.partitions[number], nil
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

// enqueue assigns sequence and place in one step. Without room it returns a
// channel to wait for instead.
func (p *Producer) enqueue(q *partition, it *item) (<-chan struct{}, error) {
	it.admitted = p.config.Now()
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if p.accounts.Queued-uint64(len(p.waiting)) >= uint64(p.config.QueueEvents) || p.bytes+it.size > p.config.QueueBytes {
		defer p.mu.Unlock()
		if p.config.WhenFull == Drop {
			p.accounts.Dropped++
			return nil, ErrDropped
		}
		return p.waitChange(), nil
	}
	p.accounts.Admitted++
	p.accounts.Queued++
	if d := it.delivery; d != nil {
		d.pending++
		d.at(q.number)
	}
	p.append(q, it)
	// Waking run costs more than all of the above, so it is left asleep when it
	// looks in time anyway, or a request under way does it.
	late := q.inFlight == 0 && (q.queue.n == q.batch || p.asleep)
	if late {
		p.asleep = false
	}
	p.mu.Unlock()
	if late {
		p.signal()
	}
	return nil, nil
}

// append gives an item its sequence and its place. The caller holds mu.
func (p *Producer) append(q *partition, it *item) {
	it.sequence = q.next
	q.next++
	q.queue.push(it)
	p.bytes += it.size
}
