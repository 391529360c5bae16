package telemetry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// Close runs out of time while the tombstone of dead letters has not reached the
// log, and what was spilled after them has: the hole and the unknown end are
// there for whoever audits, and gone when the next producer has started.
func TestCloseOutOfTimeLeavesNoGapBehindTheNextStart(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	p := f.newProducer(t, nil)
	admit(t, p, "t", 0, 2)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.logDown.Store(true)
	admit(t, p, "t", 2, 5)
	f.clock.jump()
	until(t, p, "dead letters", func(a telemetry.Accounts) bool { return a.DeadLettered == 3 })
	admit(t, p, "t", 5, 8)
	a, err := p.Close(deadline(t, 50*time.Millisecond))
	if !errors.Is(err, telemetry.ErrUndelivered) || !a.Balanced() || a.DeadLettered != 3 || a.Spilled != 3 || a.Queued+a.Failed != 0 {
		t.Errorf("Close says %+v, %v", a, err)
	}
	if left := f.left(t); len(left) != 2 || left[0].Class != telemetry.Closed {
		t.Errorf("beside events the spill file holds %+v", left)
	}

	f.logDown.Store(false)
	next := f.newProducer(t, nil)
	until(t, next, "replayed", func(a telemetry.Accounts) bool { return a.Replayed == 3 })
	f.log.awaitFinal(t)
	if a := mustClose(t, next); a != (telemetry.Accounts{Replayed: 3}) {
		t.Errorf("a producer that only replayed says %+v", a)
	}
	if got := f.records(t); len(got) != 0 {
		t.Errorf("the spill file still holds %+v", got)
	}
	events, streams := f.log.accepted(t)
	if n := dead(t, streams); n != 3 || len(events["t"]) != 5 || len(streams) != 1 {
		t.Errorf("%d sequences are dead, %d events there, streams %+v", n, len(events["t"]), streams)
	}
	if finals := f.log.finals(t); finals[p.Instance()] != 8 || streams[0].Highest != 8 {
		t.Errorf("final records are %v, streams %+v", finals, streams)
	}
}

// A log that refuses everything at the end, the final record too, is told by the
// next producer what it missed.
func TestEndThatTheLogRefusesIsReplayed(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	p := f.newProducer(t, nil)
	admit(t, p, "t", 0, 2)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	large := reward("t", 2)
	large.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 950_000)}
	if _, ok := errors.AsType[*telemetry.PayloadTooLarge](p.Admit(t.Context(), large)); !ok {
		t.Error("Admit does not say that the event is too large")
	}
	until(t, p, "the topic of dead letters is there", func(a telemetry.Accounts) bool { return a.DeadLettered == 1 })
	allow := f.log.refuse()
	admit(t, p, "t", 2, 5)
	if a, err := p.Close(deadline(t, 20*time.Second)); !errors.Is(err, telemetry.ErrUndelivered) || a.DeadLettered != 4 || !a.Balanced() {
		t.Errorf("Close says %+v, %v", a, err)
	}
	allow()
	next := f.newProducer(t, nil)
	f.log.awaitFinal(t)
	mustClose(t, next)
	if _, streams := f.log.accepted(t); dead(t, streams) != 3 || streams[0].Highest != 5 {
		t.Errorf("streams are %+v", streams)
	}
}

// awaitFinal waits for a final record.
func (b *broker) awaitFinal(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); len(b.finals(t)) == 0; {
		if time.Now().After(end) {
			t.Fatal("the final record never comes")
		}
	}
}

// finals returns how many sequences each producer says it has assigned.
func (b *broker) finals(t *testing.T) map[string]uint64 {
	t.Helper()
	said := map[string]uint64{}
	for _, messages := range b.readAll(t) {
		for _, m := range messages {
			if final, ok := m.event.Body.(telemetry.Final); ok {
				said[m.origin.Producer] = final.Sequences
			}
		}
	}
	return said
}

// refuse makes the broker refuse all records of the topic of events until
// allow is called.
func (b *broker) refuse() (allow func()) {
	done := make(chan struct{})
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-done:
			return nil, nil, false
		default:
		}
		b.KeepControl()
		request := r.(*kmsg.ProduceRequest)
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range request.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic = rt.Topic
			for _, part := range rt.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = part.Partition, kerr.TopicAuthorizationFailed.Code
				answer.Partitions = append(answer.Partitions, p)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	return func() { close(done) }
}
