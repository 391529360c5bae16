package telemetry

import (
	"context"
	"sync"
	"time"
)

// request is what goes to one broker at once.
type request struct {
	batches []batch
	bytes   int
}

// batch is what one partition has in a request.
type batch struct {
	partition *partition
	items     segments
	n         int // items
	bytes     int // on the wire
}

// run sends what is due until life ends. It starts a goroutine per request and
// returns when all have ended.
func (p *Producer) run(life context.Context) {
	defer close(p.done)
	var requests sync.WaitGroup
	defer requests.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		due, wait := p.collect()
		for _, r := range due {
			requests.Go(func() { p.send(life, r) })
		}
		timer.Reset(wait)
		select {
		case <-p.wake:
		case <-timer.C:
		case <-life.Done():
			return
		}
	}
}

const (
	// idle is how long run sleeps when nothing is queued.
	idle = time.Hour
	// awake is how long run goes on looking for work by itself when there was some,
	// so that those who admit events seldom have to wake it.
	awake = 20 * time.Millisecond
)

// collect puts in flight what is due, as one request per leader, or several when
// there is more than a batch may have: then one is made while a broker works on
// another. It says how long until more is due.
func (p *Producer) collect() ([]request, time.Duration) {
	now := p.config.Now()
	p.lock()
	defer p.mu.Unlock()
	var due []request
	leaders := make(map[int32]int) // leader -> index in due
	next := idle
	for _, q := range p.partitions {
		wait, ok := q.due(now, p.config.Linger)
		if !ok {
			continue
		}
		if wait > 0 {
			next = min(next, wait)
			continue
		}
		b := q.take(p.config.BatchBytes)
		i, ok := leaders[q.leader]
		if !ok || due[i].bytes+b.bytes > p.config.BatchBytes {
			i = len(due)
			leaders[q.leader] = i
			due = append(due, request{})
		}
		due[i].batches = append(due[i].batches, b)
		due[i].bytes += b.bytes
	}
	if len(due) > 0 {
		p.active = now
	}
	if p.config.Linger > 0 && now.Sub(p.active) < awake {
		next = min(next, p.config.Linger)
	}
	return due, p.rest(next)
}

// rest says how long run may rest: as long as given, unless events came in
// meanwhile for which it would not wake up in time. The caller holds mu.
func (p *Producer) rest(wait time.Duration) time.Duration {
	long := wait > p.config.Linger
	if p.asleep.Load() != long {
		p.asleep.Store(long) // before the doors are looked at: who enters later wakes run
	}
	for _, q := range p.partitions {
		full := 0
		if q.inFlight == 0 {
			full = max(q.batch-q.queue.n, 0)
		}
		if some, enough := q.door.watch(full); enough || long && some {
			wait = 0
		}
	}
	if wait == 0 {
		p.asleep.Store(false)
	}
	return wait
}
