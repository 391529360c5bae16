package telemetry

import (
	"context"
	"errors"
	"slices"
	"time"
)

// deliver gives the next letters an end, if it can, and says how long until it
// is worth trying again.
func (s *sender) deliver(life context.Context) time.Duration {
	pressed := s.take()
	if len(s.batch) == 0 {
		return idle
	}
	now := s.producer.config.Now()
	alone := false // a letter that the topic will never take
	if s.topic.wait(now) <= 0 {
		err := s.post(life, s.batch)
		switch {
		case life.Err() != nil:
			return 0
		case err == nil:
			s.topic.succeed()
			s.most = letterEvents
			s.settle(func(a *Accounts, n uint64) { a.DeadLettered += n }, nil)
			return 0
		case judge(err) == halve && len(s.batch) > 1:
			s.most = len(s.batch) / 2
			s.batch = s.batch[:s.most]
			return 0
		}
		s.topic.fail(now, err)
		alone = judge(err) == halve
	}
	hopeless := alone || pressed || s.topic.since(now) >= s.config.Patience
	switch {
	case s.spill == nil && (alone || s.topic.since(now) >= s.config.Patience):
		s.settle(func(a *Accounts, n uint64) { a.Failed += n }, s.topic.err)
		return 0
	case s.spill != nil && hopeless && s.disk.wait(now) <= 0:
		err := s.spillBatch()
		if err == nil {
			s.disk.succeed()
			s.settle(func(a *Accounts, n uint64) { a.Spilled += n }, nil)
			return 0
		}
		s.disk.fail(now, err)
	}
	wait := s.topic.wait(now)
	if s.spill != nil {
		wait = min(wait, max(s.disk.wait(now), s.config.Patience-s.topic.since(now)))
	}
	return max(wait, firstPause)
}

// spillBatch appends the batch to the spill file, or as many of the first of it
// as there is room for: then the batch is those.
func (s *sender) spillBatch() error {
	for {
		err := s.keep(s.batch)
		if err == nil || len(s.batch) == 1 {
			return err
		}
		s.batch = s.batch[:len(s.batch)/2]
	}
}

// take makes letters of the first of the waiting, unless they are made
// already. Pressed says that there is no time to wait for the topic.
func (s *sender) take() (pressed bool) {
	p := s.producer
	p.lock()
	all := p.waiting
	pressed = p.closing || 2*len(all) >= s.config.QueueEvents || 2*p.waitingBytes >= s.config.QueueBytes
	p.mu.Unlock()
	if len(s.batch) > 0 || len(all) == 0 {
		return pressed && s.topic.failing()
	}
	size := 0
	for _, w := range all { // append may move the list on, but changes none of these
		size += w.size
		if len(s.batch) > 0 && (w.partition != all[0].partition || size > letterBytes || len(s.batch) >= s.most) {
			break
		}
		s.batch = append(s.batch, s.letter(w))
	}
	return pressed && s.topic.failing()
}

// letter makes the dead letter of an event, without its secrets.
func (s *sender) letter(w waiting) DeadLetter {
	config := s.producer.config
	l := DeadLetter{
		Time: time.Unix(0, w.time), Key: w.key, Frame: slices.Clone(w.frame), Class: w.class, Topic: config.Topic, Partition: w.partition,
		Died: w.died, Producer: config.Instance,
	}
	reason := "unknown"
	if w.cause != nil {
		reason = s.redactor.Text(w.cause.Error())
	}
	l.Reason = clip(reason, maxMessage)
	sealFrame(l.Frame)
	if event, err := s.codec.Decode(l.Frame); err == nil {
		if n := s.redactor.event(&event); n > 0 {
			// Without its secrets it is an event still; were it none, it would stay with them here.
			if frame, err := s.codec.Encode(event); err == nil {
				l.Frame, l.Redacted = frame, n
			} else {
				l.Frame, l.Redacted = nil, n
			}
		}
	}
	trace := w.traced()
	if trace.Baggage != "" {
		clean, n := s.redactor.baggage(trace.Baggage)
		trace.Baggage = clean
		l.Redacted += n
	}
	origin := config.origin(trace)
	if w.partition < 0 {
		origin.Producer = ""
	}
	origin.Sequence = w.sequence
	l.Headers = origin.headers()
	return l
}

// settle gives the first of the waiting, the batch, their end.
func (s *sender) settle(book func(*Accounts, uint64), cause error) {
	p, n := s.producer, len(s.batch)
	p.lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting[:n] {
		p.waitingBytes -= w.size
	}
	clear(p.waiting[:n])
	if p.waiting = p.waiting[n:]; len(p.waiting) == 0 {
		p.waiting = nil
	}
	p.accounts.Queued -= uint64(n) //nolint:gosec // a length
	book(&p.accounts, uint64(n))   //nolint:gosec // a length
	p.ended += uint64(n)           //nolint:gosec // a length
	if cause != nil {
		p.cause = cause
	}
	s.batch = nil
	p.announce()
	p.signal()
}

// close ends run and its connections. What still waits then is spilled, or has
// failed.
func (s *sender) close() {
	s.connections.close()
	s.letters.CloseIdleConnections()
	s.log.CloseIdleConnections()
	<-s.done
	err, refused := errNoSpill, 0 // the smallest frame that found no room
	for {
		s.take()
		if len(s.batch) == 0 {
			break
		}
		if s.spill != nil && (refused == 0 || len(s.batch[0].Frame) < refused) {
			if err = s.spillBatch(); err == nil {
				s.settle(func(a *Accounts, n uint64) { a.Spilled += n }, nil)
				continue
			}
			// One at a time from now on, and nothing as large: Close has to return.
			refused, s.most = len(s.batch[0].Frame), 1
		}
		s.settle(func(a *Accounts, n uint64) { a.Failed += n }, err)
	}
	if s.spill != nil {
		s.keepLeft()
		_ = s.spill.Drop(s.replay.next, s.replay.kept) // else the next producer sends it once more
		_ = s.spill.Close()                            // all of it is synced
	}
}

// errNoSpill is why a letter has failed when its topic takes it not in time.
var errNoSpill = errors.New("the dead letters' topic did not take it, and there is no spill file")
