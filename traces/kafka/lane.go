package kafka

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/traces"
)

// A delivery is what one Write handed over.
type delivery struct {
	until time.Time
	done  func(error)

	mu    sync.Mutex // guards what follows
	left  int
	first error
}

// settle notes what became of some records; the last one tells.
func (d *delivery) settle(n int, err error) {
	d.mu.Lock()
	d.left -= n
	if d.first == nil {
		d.first = err
	}
	over, first := d.left == 0, d.first
	d.mu.Unlock()
	if over {
		d.done(first)
	}
}

// A letter is a record on its way.
type letter struct {
	record   traces.Record
	delivery *delivery
}

// size is what a record takes in a batch, about.
func (l letter) size() int { return len(l.record.Key) + len(l.record.Value) + 32 }

// A lane is the way into one partition. It has a goroutine while there is
// something to write.
type lane struct {
	writer    *Writer
	partition int

	mu      sync.Mutex // guards what follows
	waiting []letter
	running bool
}

func newLane(w *Writer, partition int) *lane { return &lane{writer: w, partition: partition} }

// put adds letters. The writer is not closed.
func (l *lane) put(some []letter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, some...)
	if !l.running {
		l.running = true
		l.writer.busy.Go(l.run)
	}
}

// linger is how long the first letters wait for others: those of requests that
// come at once are few batches then.
const linger = time.Millisecond

// run writes batches until nothing waits.
func (l *lane) run() {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.writer.ctx.Done():
	}
	for {
		batch := l.take()
		if batch == nil {
			return
		}
		l.deliver(batch)
	}
}

// take is the next batch: at least one letter, if one waits.
func (l *lane) take() []letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, n := 0, 0
	for n < len(l.waiting) && (n == 0 || size+l.waiting[n].size() <= l.writer.config.Batch) {
		size += l.waiting[n].size()
		n++
	}
	if n == 0 {
		l.running, l.waiting = false, nil
		return nil
	}
	batch := l.waiting[:n:n]
	l.waiting = l.waiting[n:]
	return batch
}

// deliver writes a batch, or gives up those letters whose time is over. The
// latest of them says for how long it is tried.
func (l *lane) deliver(batch []letter) {
	now, until := time.Now(), time.Time{}
	fresh := make([]letter, 0, len(batch))
	for _, one := range batch {
		if !one.delivery.until.After(now) {
			one.delivery.settle(1, ErrLate)
			continue
		}
		fresh = append(fresh, one)
		if one.delivery.until.After(until) {
			until = one.delivery.until
		}
	}
	if len(fresh) == 0 {
		return
	}
	ctx, cancel := context.WithDeadline(l.writer.ctx, until)
	defer cancel()
	err := l.writer.send(ctx, l.partition, fresh)
	if errors.Is(err, traces.ErrTooLarge) && len(fresh) > 1 {
		// The topic takes less at once than a batch has.
		l.deliver(fresh[:len(fresh)/2])
		l.deliver(fresh[len(fresh)/2:])
		return
	}
	for rest := fresh; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].delivery == rest[0].delivery {
			n++
		}
		rest[0].delivery.settle(n, err)
		rest = rest[n:]
	}
}
