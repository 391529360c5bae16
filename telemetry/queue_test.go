package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// An event nobody waits for waits for company; a batch keeps to its bytes.
func TestBatchesLingerAndKeepToTheirBytes(t *testing.T) {
	t.Parallel()
	const batchBytes = 10_000
	b := startBroker(t, 2)
	mine, other := apart()
	var requests, largest atomic.Int64
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		for _, rt := range r.(*kmsg.ProduceRequest).Topics {
			for _, part := range rt.Partitions {
				if int(part.Partition) != partitionOf(mine) {
					continue
				}
				requests.Add(1)
				largest.Store(max(largest.Load(), int64(len(part.Records))))
			}
		}
		return nil, nil, false
	})
	p := b.newProducer(t, func(c *telemetry.Config) { c.Linger, c.BatchBytes = time.Hour, batchBytes })
	for i := range uint64(20) {
		e := reward(mine, i)
		e.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 1500)}
		if err := p.Admit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	// A thread of the other partition goes to the broker and back meanwhile.
	if _, err := telemetry.NewThread(p, other).End(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if a := p.Accounts(); a.Queued != 20 || requests.Load() != 0 {
		t.Errorf("%d requests were made while events linger: %+v", requests.Load(), a)
	}
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := requests.Load(); n < 4 || n > 10 {
		t.Errorf("20 events of 1.5 KB went in %d batches of at most %d bytes", n, batchBytes)
	}
	if largest.Load() > batchBytes {
		t.Errorf("the largest batch has %d bytes, allowed are %d", largest.Load(), batchBytes)
	}
}

// T2: many times the queue's bytes go through it, and never more at a time.
func TestQueueBytesBoundWhatIsHeldAndAreGivenBack(t *testing.T) {
	t.Parallel()
	const queueBytes = 24 << 10
	b := startBroker(t, 2)
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Limits = telemetry.DefaultLimits()
		c.Limits.EventBytes, c.Limits.FrameBytes = 4<<10, 4<<10+20
		c.QueueBytes = queueBytes
	})
	ctx := deadline(t, 20*time.Second)
	for i := range uint64(300) {
		e := reward("t", i)
		e.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 2000)}
		if err := p.Admit(ctx, e); err != nil {
			t.Fatal(err)
		}
		if a := p.Accounts(); a.Queued > queueBytes/2000 {
			t.Fatalf("%d events of 2 KB are in a queue of %d bytes", a.Queued, queueBytes)
		}
	}
	if a := mustClose(t, p); a.Acknowledged != 300 {
		t.Errorf("accounts are %+v", a)
	}
}

// apart returns two keys that a topic of two partitions keeps apart.
func apart() (string, string) {
	for n := 1; ; n++ {
		if other := fmt.Sprintf("t%d", n); partitionOf(other) != partitionOf("t") {
			return "t", other
		}
	}
}

func partitionOf(key string) int {
	return kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: []byte(key)}, 0, 1)
}

func TestFullQueueBlocksUntilTheCallersDeadline(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	b.hang()
	p := b.newProducer(t, func(c *telemetry.Config) { c.QueueEvents = 2 })
	for i := range uint64(2) {
		if err := p.Admit(t.Context(), reward("t", i)); err != nil {
			t.Fatal(err)
		}
	}
	err := p.Admit(deadline(t, 20*time.Millisecond), reward("t", 2))
	if !errors.Is(err, telemetry.ErrQueueFull) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Admit says %v, want a full queue and the deadline", err)
	}
	blocked := make(chan error)
	go func() { blocked <- p.Admit(t.Context(), reward("t", 3)) }()
	accounts, err := p.Close(deadline(t, 20*time.Millisecond))
	if !errors.Is(err, telemetry.ErrUndelivered) || accounts.Admitted != 2 || accounts.Failed != 2 {
		t.Errorf("Close says %+v, %v", accounts, err)
	}
	if err := <-blocked; !errors.Is(err, telemetry.ErrClosed) {
		t.Errorf("a blocked Admit says %v at Close", err)
	}
}

func TestFullQueueDropsWithCountByChoice(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	b.hang()
	limits := telemetry.DefaultLimits()
	limits.EventBytes = 1 << 10
	limits.FrameBytes = 1<<10 + 20
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.WhenFull, c.Limits, c.QueueBytes = telemetry.Drop, limits, 20<<10
	})
	thread := telemetry.NewThread(p, "t")
	var dropped uint64
	for range 100 {
		err := thread.Reward(t.Context(), 1)
		if errors.Is(err, telemetry.ErrDropped) {
			dropped++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	a := p.Accounts()
	if dropped == 0 || a.Dropped != dropped || a.Admitted != 100-dropped || !a.Balanced() {
		t.Errorf("%d were dropped, accounts are %+v", dropped, a)
	}
	if _, err := p.Close(deadline(t, time.Millisecond)); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Error(err)
	}
}
