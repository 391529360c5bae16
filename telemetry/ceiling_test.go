package telemetry_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// A broker that takes little at once is asked seldom for more than it takes: a
// producer learns where the bound lies, and one large event teaches it nothing.
func TestProducerLearnsWhatABrokerTakesAtOnce(t *testing.T) {
	t.Parallel()
	const events, large = 4000, 40
	b := startBroker(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "20000"}))
	var tries atomic.Int64
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		tries.Add(1)
		b.KeepControl()
		return nil, nil, false
	})
	p := b.newProducer(t, func(c *telemetry.Config) { c.Linger = time.Hour })
	for i := range uint64(events) {
		e := reward("t", i)
		e.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 200)}
		if i%(events/large) == 7 {
			e.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 30_000)}
		}
		if err := p.Admit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	a, err := p.Flush(deadline(t, time.Minute))
	if !errors.Is(err, telemetry.ErrUndelivered) || a.Acknowledged != events-large || a.Failed != large {
		t.Errorf("Flush says %+v, %v", a, err)
	}
	// At best there are three to a hundred events: two of 60 small ones, one of the large one.
	if n := tries.Load(); n > 6*large {
		t.Errorf("%d requests for %d events", n, events)
	} else {
		t.Logf("%d requests for %d events", n, events)
	}
}
