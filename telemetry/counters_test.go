package telemetry_test

import (
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

// T9: goroutines that record in one thread and in threads of their own leave no
// hole in either counter, and a restart counts anew under another instance.
func TestContendedThreadsAndRestartsKeepBothCounters(t *testing.T) {
	t.Parallel()
	const goroutines, each, partitions, starts = 32, 20, 3, 2
	b := startBroker(t, partitions)
	for range starts {
		p := b.newProducer(t, func(c *telemetry.Config) { c.QueueEvents = 64 }) // so that admission waits, too
		shared := telemetry.NewThread(p, "shared"+p.Instance())
		var recording sync.WaitGroup
		for i := range goroutines {
			recording.Go(func() {
				own := telemetry.NewThread(p, string(rune('A'+i))+p.Instance())
				for range each {
					for _, thread := range []*telemetry.Thread{shared, own} {
						if err := thread.Reward(t.Context(), 1); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		recording.Wait()
		mustClose(t, p)
	}
	sequences := map[string][]map[uint64]bool{} // by instance and partition
	indices := map[string]uint64{}              // next of each thread
	for partition, messages := range b.readAll(t) {
		for _, m := range messages {
			if sequences[m.origin.Producer] == nil {
				sequences[m.origin.Producer] = make([]map[uint64]bool, partitions)
			}
			seen := &sequences[m.origin.Producer][partition]
			if *seen == nil {
				*seen = map[uint64]bool{}
			}
			if (*seen)[m.origin.Sequence] || m.origin.Sequence != uint64(len(*seen)) {
				t.Fatalf("partition %d: sequence %d of %s after %d others", partition, m.origin.Sequence, m.origin.Producer, len(*seen))
			}
			(*seen)[m.origin.Sequence] = true
			if m.event.Thread == "" {
				continue // the final record
			}
			if m.event.Index != indices[m.event.Thread] {
				t.Fatalf("thread %s: index %d, want %d", m.event.Thread, m.event.Index, indices[m.event.Thread])
			}
			indices[m.event.Thread]++
		}
	}
	if len(sequences) != starts || len(indices) != starts*(goroutines+1) {
		t.Errorf("%d instances, %d threads", len(sequences), len(indices))
	}
	for id, n := range indices {
		if n != each && (n != goroutines*each || id[:6] != "shared") {
			t.Errorf("thread %s has %d events", id, n)
		}
	}
}
