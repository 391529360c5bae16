package threads_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

// kept keeps messages.
type kept []threads.Message

func (k *kept) Take(m threads.Message) error { *k = append(*k, m); return nil }
func (k *kept) Aside(threads.Place, error)   {}

// TestOrderAndDuplicatesOfMessagesChangeNothing hands over all exports in other
// orders, some twice, and compares everything that is said about every thread.
func TestOrderAndDuplicatesOfMessagesChangeNothing(t *testing.T) {
	t.Parallel()
	var all kept
	if err := (files.Source{Path: samples(), Limits: files.DefaultLimits()}).Read(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 193 {
		t.Fatalf("%d messages, want 193", len(all))
	}
	told := func(messages []threads.Message) ([]byte, threads.Tally) {
		g, err := threads.NewGathering(rules())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			if err := g.Take(m); err != nil {
				t.Fatal(err)
			}
		}
		made, tally, err := g.Threads()
		if err != nil {
			t.Fatal(err)
		}
		for i := range made {
			made[i].Duplicates = 0
		}
		body, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		return body, tally
	}
	want, once := told(all)
	for seed := range uint64(1) {
		random := numerics.NewStream(seed)
		mixed := append(kept{}, all...)
		twice := 0
		for _, m := range all {
			if random.Uint64()%4 == 0 {
				mixed = append(mixed, m)
				twice++
			}
		}
		for i := len(mixed) - 1; i > 0; i-- {
			j := int(random.Uint64() % uint64(i+1))
			mixed[i], mixed[j] = mixed[j], mixed[i]
		}
		got, tally := told(mixed)
		if !bytes.Equal(got, want) {
			t.Errorf("seed %d: the threads differ", seed)
		}
		if tally.Spans != once.Spans || tally.Records != once.Records || tally.Duplicates == 0 || twice == 0 {
			t.Errorf("seed %d: %d spans, %d records, %d duplicates; in order %d and %d", seed, tally.Spans, tally.Records, tally.Duplicates, once.Spans, once.Records)
		}
	}
}
