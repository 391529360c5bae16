//go:build services

package integration_test

import (
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
)

// finish lets the next producer on a spill file tell the log what a Close that
// ran out of time, as one does on a busy machine, could not: until then there
// are gaps and unknown ends, after it none.
func (c *scene) finish(t *testing.T) {
	t.Helper()
	for _, p := range c.results {
		left := unsaid(t, p.Spill)
		if left == 0 {
			continue
		}
		t.Logf("%s: Close ran out of time, and left %d tombstones and final records in %s", c.name, left, p.Spill)
		next, err := telemetry.NewProducer(telemetry.Config{
			Brokers: c.brokers(), Topic: c.topic, TLS: c.tls, SASL: c.sasl,
			DeadLetters: &telemetry.DeadLetters{Brokers: c.other, Spill: p.Spill},
		})
		if err != nil {
			t.Error(err)
			return
		}
		tick := time.NewTicker(50 * time.Millisecond)
		for late := time.After(2 * time.Minute); left > 0; {
			select {
			case <-tick.C:
				left = unsaid(t, p.Spill)
			case <-late:
				t.Errorf("%d tombstones and final records are in %s still", left, p.Spill)
				left = 0
			}
		}
		tick.Stop()
		if _, err := next.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// unsaid counts the tombstones and final records in a spill file.
func unsaid(t *testing.T, path string) (n int) {
	t.Helper()
	if _, err := spill.Scan(path, func(r spill.Record) error {
		l, err := telemetry.ReadDeadLetter(r.Payload)
		if err == nil && l.Own() {
			n++
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	return n
}
