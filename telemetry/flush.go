package telemetry

import (
	"context"
	"fmt"
)

// Flush waits until every event that was admitted before the call has an end:
// in the log, in the dead letters, in the spill file or as failed. It returns
// the accounts of that moment. Its error is the context's, or ErrUndelivered
// when the log did not take events that no earlier Flush has reported.
func (p *Producer) Flush(ctx context.Context) (Accounts, error) {
	p.lock()
	targets := make([]uint64, len(p.partitions))
	for i, q := range p.partitions {
		targets[i] = q.next
		q.urgent = q.queue.n > 0
	}
	p.mu.Unlock()
	p.signal()
	letters, last := uint64(0), false // what was given up until the log was done with all
	for {
		p.lock()
		accounts, changed := p.accounts, p.waitChange()
		open := false
		for i, target := range targets {
			open = open || p.partitions[i].settled() < target
		}
		if !open && !last {
			letters, last = p.ended+uint64(len(p.waiting)), true
		}
		open = open || p.ended < letters
		var err error
		if !open {
			err = p.report()
		}
		p.mu.Unlock()
		if !open {
			return accounts, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return accounts, fmt.Errorf("flush telemetry: %w", ctx.Err())
		}
	}
}

// report returns the failures since the last report. The caller holds mu.
func (p *Producer) report() error {
	err := undelivered(p.unreported, p.cause)
	p.unreported = 0
	return err
}

// flushDelivery waits until the events of one thread have an end and returns
// the last acknowledged offset of each partition they went to.
func (p *Producer) flushDelivery(ctx context.Context, d *delivery) ([]Position, error) {
	p.lock()
	if d.pending > 0 {
		for _, position := range d.positions {
			p.partitions[position.Partition].urgent = true
		}
		p.signal()
	}
	for d.pending > 0 {
		if d.settled == nil {
			d.settled = make(chan struct{})
		}
		settled := d.settled
		p.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			return nil, fmt.Errorf("flush thread: %w", ctx.Err())
		}
		p.lock()
	}
	defer p.mu.Unlock()
	var acknowledged []Position
	for _, position := range d.positions {
		if position.Offset >= 0 {
			acknowledged = append(acknowledged, position)
		}
	}
	return acknowledged, undelivered(d.failed, d.cause)
}
