package telemetry_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// outage makes a broker hang up on whoever produces, while it is on.
type outage struct{ atomic.Bool }

func (b *broker) outage() *outage {
	var o outage
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		if o.Load() {
			return nil, errors.New("down"), true
		}
		return nil, nil, false
	})
	return &o
}

// years is the system's clock, but for jumps of an hour, by which everything
// that is queued is out of budget.
type years struct{ jumps atomic.Int64 }

func (y *years) now() time.Time { return time.Now().Add(time.Duration(y.jumps.Load()) * time.Hour) }

func (y *years) jump() { y.jumps.Add(1) }

// record is a message as the log has it.
type record struct {
	offset     int64
	time       time.Time
	key, value []byte
	headers    []telemetry.Header
}

// read returns all messages of a partition of any topic.
func (b *broker) read(tb testing.TB, name string, partition int) []record {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.ListenAddrs()...), Transport: transport}
	offsets, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		name: {kafka.LastOffsetOf(partition)},
	}})
	if err != nil {
		tb.Fatal(err)
	}
	var all []record
	end := offsets.Topics[name][0].LastOffset
	for next := int64(0); next < end; next = all[len(all)-1].offset + 1 {
		response, err := client.Fetch(ctx, &kafka.FetchRequest{Topic: name, Partition: partition, Offset: next, MaxBytes: 8 << 20, MaxWait: time.Second})
		if err != nil || response.Error != nil {
			tb.Fatal(err, response.Error)
		}
		for {
			got, err := response.Records.ReadRecord()
			if err != nil {
				break // the end of the answer
			}
			if got.Offset < next {
				continue
			}
			r := record{offset: got.Offset, time: got.Time, value: readBytes(tb, got.Value)}
			if got.Key != nil {
				r.key = readBytes(tb, got.Key)
			}
			for _, h := range got.Headers {
				r.headers = append(r.headers, telemetry.Header(h))
			}
			all = append(all, r)
		}
	}
	return all
}

// letters returns the dead letters of a topic of one partition.
func (b *broker) letters(tb testing.TB, name string) []telemetry.DeadLetter {
	tb.Helper()
	var letters []telemetry.DeadLetter
	for _, r := range b.read(tb, name, 0) {
		l, err := telemetry.ParseDeadLetter(r.time, r.key, r.value, r.headers)
		if err != nil {
			tb.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

// accepted is what a reader makes of a topic: the events that it takes, by
// thread and index, and the accounts of the streams.
func (b *broker) accepted(tb testing.TB) (map[string]map[uint64]telemetry.Event, []telemetry.Stream) {
	tb.Helper()
	var marks telemetry.Watermarks
	events := make(map[string]map[uint64]telemetry.Event)
	for p, messages := range b.readAll(tb) {
		for _, m := range messages {
			if grave, ok := m.event.Body.(telemetry.Tombstone); ok {
				marks.Bury(m.origin.Producer, p, grave.First, grave.First+grave.Count-1, m.offset)
				continue
			}
			if !marks.Observe(m.origin.Producer, p, m.origin.Sequence, m.offset) {
				continue
			}
			if m.event.Thread == "" {
				continue
			}
			if events[m.key] == nil {
				events[m.key] = make(map[uint64]telemetry.Event)
			}
			if _, twice := events[m.key][m.event.Index]; twice {
				tb.Errorf("event %d of %s is accepted twice", m.event.Index, m.key)
			}
			events[m.key][m.event.Index] = m.event
		}
	}
	return events, marks.Streams()
}

// dead counts what is under tombstones and not there; it is an error of the
// test if a stream has a gap.
func dead(tb testing.TB, streams []telemetry.Stream) (n uint64) {
	tb.Helper()
	for _, s := range streams {
		if len(s.Gaps) > 0 || s.First > 0 {
			tb.Errorf("stream %+v has a gap", s)
		}
		for _, g := range s.Dead {
			n += g.Until - g.From
		}
	}
	return n
}

// balanced checks the accounts of this moment and returns them.
func balanced(tb testing.TB, p *telemetry.Producer) telemetry.Accounts {
	tb.Helper()
	a := p.Accounts()
	if !a.Balanced() {
		tb.Errorf("accounts do not add up: %+v", a)
	}
	return a
}

// until waits for a state of the accounts, which add up on the way.
func until(tb testing.TB, p *telemetry.Producer, what string, reached func(telemetry.Accounts) bool) telemetry.Accounts {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		a := balanced(tb, p)
		if reached(a) {
			return a
		}
		if time.Now().After(end) {
			tb.Fatalf("%s: accounts are still %+v", what, a)
		}
	}
}

// admit admits events of a thread and checks the accounts after each.
func admit(tb testing.TB, p *telemetry.Producer, thread string, from, to uint64) {
	tb.Helper()
	for i := from; i < to; i++ {
		if err := p.Admit(tb.Context(), reward(thread, i)); err != nil {
			tb.Fatal(err)
		}
		balanced(tb, p)
	}
}

// undelivered flushes and wants to be told.
func undelivered(tb testing.TB, p *telemetry.Producer) telemetry.Accounts {
	tb.Helper()
	a, err := p.Flush(deadline(tb, 20*time.Second))
	if !errors.Is(err, telemetry.ErrUndelivered) {
		tb.Errorf("Flush says %v, want ErrUndelivered", err)
	}
	if !a.Balanced() {
		tb.Errorf("accounts do not add up: %+v", a)
	}
	return a
}
