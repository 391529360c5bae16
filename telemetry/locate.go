package telemetry

import (
	"context"
	"fmt"
	"time"
)

// lookupPause is how long a look-up waits before it asks again.
const lookupPause = 20 * time.Millisecond

// locate makes sure that the topic's partitions are known. One caller asks at
// a time, until it knows, its context ends, the budget is spent or the
// producer closes.
func (p *Producer) locate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Budget)
	defer cancel()
	select {
	case p.looking <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %s: %w", ErrNoTopic, p.config.Topic, ctx.Err())
	}
	defer func() { <-p.looking }()
	for {
		p.lock()
		known, closing, closed := p.partitions != nil, p.closing, p.waitChange()
		p.mu.Unlock()
		if closing {
			return ErrClosed
		}
		if known {
			return nil
		}
		err := p.lookup(ctx)
		if err == nil {
			continue
		}
		pause := time.NewTimer(lookupPause)
		select {
		case <-closed:
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s: %w, before it: %w", ErrNoTopic, p.config.Topic, ctx.Err(), err)
		}
	}
}

// lookup reads partitions and leaders.
func (p *Producer) lookup(ctx context.Context) error {
	leaders, err := lookUp(ctx, p.transport, p.config.Brokers, p.config.Topic)
	if err != nil {
		return err
	}
	p.learn(leaders)
	return nil
}

// learn keeps the leaders. The number of partitions is that of the first time:
// a topic that grows gets no threads moved while this producer lives.
func (p *Producer) learn(leaders []int32) {
	p.lock()
	defer p.mu.Unlock()
	if p.partitions == nil {
		for i := range leaders {
			p.partitions = append(p.partitions, &partition{number: i, batch: p.config.BatchEvents, door: door{closed: p.closing}})
			p.numbers = append(p.numbers, i)
		}
		p.located.Store(true)
	}
	for i, leader := range leaders[:min(len(leaders), len(p.partitions))] {
		p.partitions[i].leader = leader
	}
}
