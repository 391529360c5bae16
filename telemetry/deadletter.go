package telemetry

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Headers that a dead letter has beside those of its event.
const (
	headerDeadReason    = "cohort-dead-reason"
	headerDeadClass     = "cohort-dead-class"
	headerDeadTopic     = "cohort-dead-topic"
	headerDeadPartition = "cohort-dead-partition"
	headerDeadTime      = "cohort-dead-time"
	headerDeadProducer  = "cohort-dead-producer"
	headerDeadRedacted  = "cohort-dead-redacted"

	deadPrefix = "cohort-dead-"
)

// Class is the kind of reason why an event became a dead letter.
type Class string

// The classes. Events of the last two were refused at the door: they have no
// sequence, their caller has the error, and no replay brings them into the log.
const (
	// Expired events were out of budget.
	Expired Class = "expired"
	// Refused events the log's broker does not take, now or later.
	Refused Class = "refused"
	// TooLarge events are over the log's own limit for a message.
	TooLarge Class = "too-large"
	// Closed events were left when Close had to return.
	Closed Class = "closed"
	// Oversize events are over the producer's Limits.
	Oversize Class = "oversize"
	// Limited events were refused by the Limiter.
	Limited Class = "rate-limited"
)

// ErrNoDeadLetter says that a message is no dead letter.
var ErrNoDeadLetter = errors.New("not a dead letter")

// DeadLetter is an event that the log did not take, as the dead letters' topic
// and the spill file hold it.
type DeadLetter struct {
	// Time is that of the event's message.
	Time time.Time
	// Key, Frame and Headers are the event's message: all its headers, in order.
	// Events refused at the door lack producer and sequence.
	Key     string
	Frame   []byte
	Headers []Header

	Class  Class
	Reason string
	// Topic and Partition are where it belongs; Partition is -1 for events
	// refused at the door.
	Topic     string
	Partition int
	// Died is when it was given up, by the producer's clock.
	Died time.Time
	// Producer is the instance that gave it up.
	Producer string
	// Redacted is how many values were replaced by "[redacted]".
	Redacted int
}

// Replayable says that the letter's event has a place in the log: a replay
// under its sequence is accepted once.
func (l DeadLetter) Replayable() bool { return l.Partition >= 0 }

// Own says that the letter is no event: it is a tombstone or the final record of
// its producer, which the log did not take before Close had to return. It is in
// no account, and readers of the log miss it until it is replayed.
func (l DeadLetter) Own() bool { return l.Key == "" && l.Replayable() }

// headers returns the headers of the letter's own message.
func (l DeadLetter) headers() []Header {
	own := []Header{
		{headerDeadClass, []byte(l.Class)},
		{headerDeadReason, []byte(l.Reason)},
		{headerDeadTopic, []byte(l.Topic)},
		{headerDeadTime, []byte(l.Died.UTC().Format(time.RFC3339Nano))},
		{headerDeadProducer, []byte(l.Producer)},
	}
	if l.Replayable() {
		own = append(own, Header{headerDeadPartition, strconv.AppendInt(nil, int64(l.Partition), 10)})
	}
	if l.Redacted > 0 {
		own = append(own, Header{headerDeadRedacted, strconv.AppendInt(nil, int64(l.Redacted), 10)})
	}
	return append(slices.Clip(l.Headers), own...)
}

// replay returns the headers under which the event is sent again.
func (l DeadLetter) replay() []Header {
	headers := make([]Header, 0, len(l.Headers)+1)
	for _, h := range l.Headers {
		if h.Key != headerReplayed {
			headers = append(headers, h)
		}
	}
	return append(headers, Header{headerReplayed, []byte("1")})
}

// ParseDeadLetter reads a message of the dead letters' topic or of a spill
// file; ErrNoDeadLetter says what is wrong with it. It shares the memory.
func ParseDeadLetter(at time.Time, key, value []byte, headers []Header) (DeadLetter, error) {
	l := DeadLetter{Time: at, Key: string(key), Frame: value, Partition: -1}
	own := map[string]string{}
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, deadPrefix) {
			l.Headers = append(l.Headers, h)
			continue
		}
		if _, twice := own[h.Key]; twice {
			return l, fmt.Errorf("%w: %s is given twice", ErrNoDeadLetter, h.Key)
		}
		own[h.Key] = string(h.Value)
	}
	l.Class, l.Reason, l.Topic = Class(own[headerDeadClass]), own[headerDeadReason], own[headerDeadTopic]
	l.Producer = own[headerDeadProducer]
	if l.Class == "" || l.Topic == "" {
		return l, fmt.Errorf("%w: class or topic is missing", ErrNoDeadLetter)
	}
	var err error
	if l.Died, err = time.Parse(time.RFC3339Nano, own[headerDeadTime]); err != nil {
		return l, fmt.Errorf("%w: %s: %w", ErrNoDeadLetter, headerDeadTime, err)
	}
	if err := number(own, headerDeadPartition, &l.Partition); err != nil {
		return l, err
	}
	return l, number(own, headerDeadRedacted, &l.Redacted)
}

// number reads a header that may be missing.
func number(own map[string]string, key string, into *int) error {
	text, ok := own[key]
	if !ok {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNoDeadLetter, key, err)
	}
	*into = int(n) //nolint:gosec // 31 bits
	return nil
}
