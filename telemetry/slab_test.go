package telemetry_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// The memory of acknowledged frames serves later events, while those that a
// broker refused wait for their next try in theirs.
func TestNoEventIsOverwrittenByALaterOne(t *testing.T) {
	t.Parallel()
	const writers, each = 4, 1500
	b := startBroker(t, 3)
	var requests atomic.Int64
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		if requests.Add(1)%3 != 0 {
			return nil, nil, false
		}
		request := r.(*kmsg.ProduceRequest)
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, rt := range request.Topics {
			answer := kmsg.NewProduceResponseTopic()
			answer.Topic = rt.Topic
			for _, part := range rt.Partitions {
				p := kmsg.NewProduceResponseTopicPartition()
				p.Partition, p.ErrorCode = part.Partition, kerr.NotEnoughReplicas.Code
				answer.Partitions = append(answer.Partitions, p)
			}
			response.Topics = append(response.Topics, answer)
		}
		return response, nil, true
	})
	p := b.newProducer(t, func(c *telemetry.Config) { c.QueueEvents, c.BatchEvents = 256, 20 })
	output := func(thread string, i uint64) []byte {
		return bytes.Repeat(fmt.Appendf(nil, "%s/%d ", thread, i), int(i)%60) //nolint:gosec // small
	}
	var agents sync.WaitGroup
	for w := range writers {
		agents.Go(func() {
			thread := fmt.Sprint("thread-", w)
			for i := range uint64(each) {
				e := telemetry.Event{Thread: thread, Index: i, Time: noon(), Name: "n", Body: telemetry.ToolCall{Tool: "t", Output: output(thread, i)}}
				if err := p.Admit(deadline(t, 30*time.Second), e); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	agents.Wait()
	if a := mustClose(t, p); a.Acknowledged != writers*each {
		t.Errorf("accounts %+v", a)
	}
	next := map[string]uint64{}
	for partition, messages := range b.readAll(t) {
		for n, m := range messages {
			if m.origin.Sequence != uint64(n) { //nolint:gosec // small
				t.Fatalf("partition %d has sequence %d at %d", partition, m.origin.Sequence, n)
			}
			call, ok := m.event.Body.(telemetry.ToolCall)
			if !ok {
				continue // the final record
			}
			if m.key != m.event.Thread || m.event.Index != next[m.key] || !bytes.Equal(call.Output, output(m.key, m.event.Index)) {
				t.Fatalf("event %d of %s has index %d of %s and says %q", next[m.key], m.key, m.event.Index, m.event.Thread, call.Output)
			}
			next[m.key]++
		}
	}
	if len(next) != writers {
		t.Errorf("threads %v", next)
	}
}
