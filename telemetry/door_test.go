package telemetry_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry"
)

// T2: an event whose Admit has returned is in the accounts at once, whoever
// asks, and goroutines that come together never exceed the bound, nor fall short
// of it.
func TestAccountsKnowEachEventThatWasAdmitted(t *testing.T) {
	t.Parallel()
	const goroutines, bound = 16, 1000
	b := startBroker(t, 3)
	b.hang()
	p := b.newProducer(t, func(c *telemetry.Config) { c.WhenFull, c.QueueEvents = telemetry.Drop, bound })
	var agents sync.WaitGroup
	for g := range goroutines {
		agents.Go(func() {
			admitted := uint64(0)
			for i := range uint64(bound / 4) {
				err := p.Admit(t.Context(), reward(string(rune('a'+g)), i))
				if err == nil {
					admitted++
				} else if !errors.Is(err, telemetry.ErrDropped) {
					t.Error(err)
				}
				if a := p.Accounts(); a.Admitted < admitted || a.Queued < admitted || a.Queued > bound || !a.Balanced() {
					t.Errorf("after %d of its own: %+v", admitted, a)
				}
			}
		})
	}
	agents.Wait()
	if a := p.Accounts(); a.Queued != bound || a.Admitted != bound || a.Dropped != goroutines*(bound/4)-bound {
		t.Errorf("accounts are %+v", a)
	}
	if _, err := p.Close(deadline(t, time.Millisecond)); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Error(err)
	}
}

// Threads go where Java's client and kafka-go's balancer send their keys.
func TestPartitionsAreThoseOfJavasClient(t *testing.T) {
	t.Parallel()
	const partitions = 7
	b := startBroker(t, partitions)
	p := b.newProducer(t, nil)
	keys := map[string]int{}
	for n := range 60 {
		for _, letters := range []string{"a", "job-1/2/", "é", "\u4e16"} {
			if key := strings.Repeat(letters, 1+n)[:1+n]; len(strings.ToValidUTF8(key, "")) == len(key) {
				keys[key] = kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: []byte(key)}, 0, 1, 2, 3, 4, 5, 6)
			}
		}
	}
	for key := range keys {
		if err := p.Admit(t.Context(), reward(key, 0)); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, p)
	seen := 0
	for partition, messages := range b.readAll(t) {
		for _, m := range messages {
			if m.key == "" {
				continue // the final record
			}
			seen++
			if keys[m.key] != partition {
				t.Errorf("%q is in partition %d, want %d", m.key, partition, keys[m.key])
			}
		}
	}
	if seen != len(keys) {
		t.Errorf("%d of %d threads were seen", seen, len(keys))
	}
}
