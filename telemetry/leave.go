package telemetry

// leave keeps, for the next producer, a record of a partition's own: a tombstone
// or the final record, which the log takes no more from this one. Close puts it
// into the spill file, behind the events, and whoever replays that brings it into
// the log. So what became a dead letter is a gap no longer than until then, and
// the end becomes known; what was spilled is replayed itself, and is a gap if the
// disk loses it. It is in no account. Without a spill file nobody can be told,
// and readers name the hole, or see that the end is missing. The caller holds mu.
func (p *Producer) leave(it *item, partition int, class Class, cause error) {
	if p.letters == nil || p.letters.spill == nil {
		return
	}
	p.left = append(p.left, waiting{item: *it, partition: partition, class: class, cause: cause, died: p.config.Now()})
}

// leaveEnd does so with the final record and a tombstone for those before it,
// from the oldest.
func (p *Producer) leaveEnd(q *partition, final int, class Class, cause error) {
	if final > 0 {
		stone, err := p.tombstone(q.queue.at(0), q.queue.at(final-1), class, cause, p.config.Now())
		if err == nil { // else as in bury
			p.leave(&stone, q.number, class, cause)
		}
	}
	p.leave(q.queue.at(final), q.number, class, cause)
}

// keepLeft spills what leave kept. Its goroutine has ended. What the file has no
// room for is lost, and said.
func (s *sender) keepLeft() {
	p := s.producer
	p.mu.Lock()
	left := p.left
	p.left = nil
	p.mu.Unlock()
	for i, w := range left {
		if err := s.keep([]DeadLetter{s.letter(w)}); err != nil {
			p.config.Log.Warn("The spill file has no room for tombstones and final records: an audit of the topic will find gaps or an unknown tail.",
				"file", s.config.Spill, "producer", p.config.Instance, "records", len(left)-i, "error", err)
			return
		}
	}
}
