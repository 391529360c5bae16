package telemetry

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry/spill"
)

// replay is how far the spill file's records were sent back.
type replay struct {
	next  int64 // offset of the first record that was not tried
	kept  []spill.Record
	pause backoff
}

// errHeld says that the spill file has records that nobody takes for now.
var errHeld = errors.New("some records are taken by nobody")

// replayBytes is about how much of the spill file is read at once.
const replayBytes = 1 << 20

// keep appends letters to the spill file. They are on disk when it returns
// without error.
func (s *sender) keep(letters []DeadLetter) error {
	payloads := make([][]byte, len(letters))
	for i, l := range letters {
		payloads[i] = l.marshal()
	}
	forgotten, err := s.spill.Append(payloads)
	s.forget(forgotten)
	return err
}

// forget books what the spill file had no more room for, oldest first. What was
// sent back already has its end.
func (s *sender) forget(records []spill.Record) {
	if len(records) == 0 {
		return
	}
	p, r := s.producer, &s.replay
	p.lock()
	defer p.mu.Unlock()
	for _, record := range records {
		if record.At < r.next && !slices.ContainsFunc(r.kept, func(k spill.Record) bool { return k.At == record.At }) {
			continue
		}
		l, err := ReadDeadLetter(record.Payload)
		if err == nil && l.Own() {
			continue
		}
		p.accounts.Overwritten++
		if err == nil && l.Producer == p.config.Instance {
			p.accounts.Spilled--
			p.accounts.Failed++
			p.unreported++
			p.cause = spill.ErrFull
		}
	}
	end := records[len(records)-1].End
	shift := end - s.spill.Start()
	r.next = max(r.next-shift, s.spill.Start())
	r.kept = slices.DeleteFunc(r.kept, func(k spill.Record) bool { return k.At < end })
	for i := range r.kept {
		r.kept[i].At -= shift
		r.kept[i].End -= shift
	}
	p.announce()
}

// goBack sends some of what was spilled to where it belongs, if it is time,
// and says how long until it is worth trying again.
func (s *sender) goBack(life context.Context) time.Duration {
	r := &s.replay
	if s.spill == nil || r.next >= s.spill.Size() && len(r.kept) == 0 {
		return idle
	}
	now := s.producer.config.Now()
	if s.recovered.Swap(false) {
		r.pause.succeed()
	}
	if wait := r.pause.wait(now); wait > 0 {
		return wait
	}
	if r.next >= s.spill.Size() { // another try for what nobody took
		r.next, r.kept = s.spill.Start(), nil
	}
	records, err := s.spill.Read(r.next, replayBytes)
	if err == nil {
		err = s.sendBack(life, records)
	}
	if err == nil && (len(records) == 0 || r.next >= s.spill.Size()) {
		if err = s.clean(); err == nil && len(r.kept) > 0 {
			err = errHeld
		}
	}
	if err != nil {
		// A full file holds callers up, so it does not wait long for the log.
		r.pause.last = 5 * time.Second
		if errors.Is(err, errHeld) {
			r.pause.last = time.Minute
		}
		r.pause.fail(now, err)
		return r.pause.wait(now)
	}
	r.pause.succeed()
	return 0
}

// clean forgets all records but those that nobody takes.
func (s *sender) clean() error {
	r := &s.replay
	left := s.spill.Start()
	for _, k := range r.kept {
		left += k.End - k.At
	}
	if left == s.spill.Size() {
		r.next = left
		return nil
	}
	if err := s.spill.Drop(s.spill.Size(), r.kept); err != nil {
		return err
	}
	at := s.spill.Start()
	for i, k := range r.kept {
		r.kept[i].At, r.kept[i].End = at, at+k.End-k.At
		at = r.kept[i].End
	}
	r.next = s.spill.Size()
	return nil
}

// sendBack sends records in their order: events with a sequence to the log,
// under it; events that were refused at the door to the dead letters' topic.
func (s *sender) sendBack(life context.Context, records []spill.Record) error {
	r := &s.replay
	limit := len(records)
	for len(records) > 0 {
		run, letters := runOf(records[:min(limit, len(records))])
		if letters == nil { // nothing of ours, though its checksum holds
			s.hold(records[0])
			records = records[1:]
			continue
		}
		err := s.sendRun(life, letters)
		switch {
		case err == nil:
			s.sentBack(letters)
			r.next = run[len(run)-1].End
			records = records[len(run):]
		case judge(err) == halve && len(run) > 1:
			limit = len(run) / 2
		case life.Err() == nil && s.nobodys(letters[0], err):
			for _, record := range run {
				s.hold(record)
			}
			records = records[len(run):]
		default:
			return err
		}
	}
	return nil
}

// nobodys reports whether a letter is to be passed over, so that those behind
// it are not held up: the log will not take it, its topic is gone, or the dead
// letters' topic cannot be reached.
func (s *sender) nobodys(l DeadLetter, err error) bool {
	if verdict := judge(err); verdict == halve || verdict == refuse || !l.Replayable() {
		return true
	}
	return errors.Is(err, kafka.UnknownTopicOrPartition) && l.Topic != s.producer.config.Topic
}

// hold passes over a record that nobody takes.
func (s *sender) hold(record spill.Record) {
	s.replay.kept = append(s.replay.kept, spill.Record{At: record.At, End: record.End})
	s.replay.next = record.End
}

// runOf returns the first records that go to the same place, as letters.
func runOf(records []spill.Record) (run []spill.Record, letters []DeadLetter) {
	for _, record := range records {
		l, err := ReadDeadLetter(record.Payload)
		if err != nil || len(letters) > 0 && (l.Topic != letters[0].Topic || l.Partition != letters[0].Partition) {
			break
		}
		run, letters = append(run, record), append(letters, l)
	}
	return run, letters
}

// sendRun sends letters that go to the same place.
func (s *sender) sendRun(life context.Context, letters []DeadLetter) error {
	if !letters[0].Replayable() {
		return s.post(life, letters)
	}
	ctx, cancel := context.WithTimeout(life, s.producer.config.RequestTimeout)
	defer cancel()
	return appendTo(ctx, s.log, place{brokers: s.producer.config.Brokers, topic: letters[0].Topic, partition: letters[0].Partition}, replays(letters))
}

// replays returns the messages under which events are sent again.
func replays(letters []DeadLetter) []outside {
	messages := make([]outside, len(letters))
	for i, l := range letters {
		messages[i] = outside{time: l.Time, key: l.Key, frame: l.Frame, headers: l.replay()}
	}
	return messages
}

// sentBack books letters that are where they belong.
func (s *sender) sentBack(letters []DeadLetter) {
	p := s.producer
	p.lock()
	defer p.mu.Unlock()
	for _, l := range letters {
		if l.Own() {
			continue
		}
		p.accounts.Replayed++
		if l.Producer != p.config.Instance {
			continue // of an earlier one, whose accounts are closed
		}
		p.accounts.Spilled--
		if l.Replayable() {
			p.accounts.Acknowledged++
		} else {
			p.accounts.DeadLettered++
		}
	}
	p.announce()
}
