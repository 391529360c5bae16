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
	it, err := p.prepare(ctx, e)
	if err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	if err := p.locate(ctx); err != nil {
		return fmt.Errorf("admit event: %w", err)
	}
	if p.config.Limiter != nil {
		if err := p.config.Limiter.Allow(ctx, p.config.Tenant, 1); err != nil {
			p.refuse(it, Limited, err)
			return fmt.Errorf("admit event: %w", err)
		}
	}
	it.delivery = d
	for {
		changed, err := p.enqueue(it)
		if err != nil {
			return fmt.Errorf("admit event: %w", err)
		}
		if changed == nil {
			p.signal()
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("admit event: %w: %w", ErrQueueFull, ctx.Err())
		}
	}
}

// prepare makes the message, all but its sequence, in the caller's goroutine.
func (p *Producer) prepare(ctx context.Context, e Event) (item, error) {
	if e.Body != nil && !e.Body.threaded() {
		return item{}, fmt.Errorf("%w: %T is no event of a thread", ErrInvalidEvent, e.Body)
	}
	frame, err := p.encode(e)
	trace := TraceFrom(ctx)
	headers := p.config.origin(trace).headerBytes()
	if err == nil {
		err = fits("headers", headers, p.config.Limits.HeaderBytes)
	}
	it := item{
		key: e.Thread, frame: frame, trace: trace, time: e.Time,
		size: len(e.Thread) + len(frame) + headers + overhead,
	}
	if err != nil {
		return item{}, p.oversize(e, it, err)
	}
	return it, nil
}

// oversize makes a dead letter of an event that was refused for its size, if
// it can be one, and returns the refusal.
func (p *Producer) oversize(e Event, it item, refusal error) error {
	if _, ok := errors.AsType[*PayloadTooLarge](refusal); !ok {
		return refusal
	}
	if p.letters != nil && it.frame == nil {
		e.Clock, e.ClockFlags = p.clock.Now()
		it.frame, _ = p.letters.codec.Encode(e) // too large even for a letter: counted alone
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

// enqueue assigns partition, sequence and place in one step. Without room it
// returns a channel to wait for instead.
func (p *Producer) enqueue(it item) (<-chan struct{}, error) {
	it.admitted = p.config.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, ErrClosed
	}
	if p.accounts.Queued-uint64(len(p.waiting)) >= uint64(p.config.QueueEvents) || p.bytes+it.size > p.config.QueueBytes {
		if p.config.WhenFull == Drop {
			p.accounts.Dropped++
			return nil, ErrDropped
		}
		return p.waitChange(), nil
	}
	number := p.config.Balancer.Balance(kafka.Message{Topic: p.config.Topic, Key: []byte(it.key)}, p.numbers...)
	if number < 0 || number >= len(p.partitions) {
		return nil, fmt.Errorf("%w: Balancer chose partition %d of %d", ErrInvalidConfig, number, len(p.partitions))
	}
	p.accounts.Admitted++
	p.accounts.Queued++
	if d := it.delivery; d != nil {
		d.pending++
		d.at(number)
	}
	p.append(p.partitions[number], it)
	return nil, nil
}

// append gives an item its sequence and its place. The caller holds mu.
func (p *Producer) append(q *partition, it item) {
	it.sequence = q.next
	q.next++
	q.queue = append(q.queue, it)
	p.bytes += it.size
}
