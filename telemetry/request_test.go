package telemetry_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// What several partitions have for one broker shares a request as long as it is
// no more than a batch may have.
func TestLargeBatchesGoInRequestsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const batchBytes = 10_000
	b := startBroker(t, 8)
	var largest atomic.Int64
	b.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		bytes := 0
		for _, rt := range r.(*kmsg.ProduceRequest).Topics {
			for _, part := range rt.Partitions {
				bytes += len(part.Records)
			}
		}
		largest.Store(max(largest.Load(), int64(bytes)))
		b.KeepControl()
		return nil, nil, false
	})
	p := b.newProducer(t, func(c *telemetry.Config) { c.Linger, c.BatchBytes = time.Hour, batchBytes })
	for thread := range 16 { // no partition waits for company longer than the others
		for i := range uint64(10) {
			e := reward(fmt.Sprint("thread-", thread), i)
			e.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 1500)}
			if err := p.Admit(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	accounts, err := p.Flush(deadline(t, 30*time.Second))
	if err != nil || accounts.Acknowledged != 160 {
		t.Fatalf("%+v, %v", accounts, err)
	}
	if n := largest.Load(); n < 2000 || n > batchBytes {
		t.Errorf("the largest request has %d bytes of records, want some and at most %d", n, batchBytes)
	}
}
