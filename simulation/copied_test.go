package simulation_test

import (
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/job"
)

// A log that loses an acknowledged end, and has a copy of an earlier event at
// its offset when it is read, costs no rollout its only attempt: the round runs
// again. Where that happens in every collection, the last one gives the rollout
// its fate, and the job goes on.
func TestCopyWhereALostEventWasCostsNoAttempt(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	p := runPlan{seed: 1 << 44, variation: oneAttempt}
	want := refs.of(t, p)
	for _, times := range []int{1, job.MaxCollections} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(p, refs.codec)
			if err := w.submit(); err != nil {
				t.Fatal(err)
			}
			for slot := range w.processes {
				w.start(slot, 1)
			}
			done := 0
			err := w.run(func() bool {
				s := job.Shard{Unit: job.Unit{Job: w.def.ID, Step: 1}, Collection: done, Phase: job.Rollout}
				if done < times && w.allSettled(s, 3) && w.copied() {
					done++
				}
				return w.retired() && !w.driven()
			})
			w.close()
			got, judged := w.judge()
			if err != nil || judged != nil || done != times || got.verdict != job.Done {
				t.Fatalf("%v, %v, %d collections of %d hurt, the job ended %s (%s)\n%s", err, judged, done, times, got.verdict, got.reason, w.history)
			}
			if err := got.like(want, false); (err == nil) != (times == 1) {
				t.Errorf("hurt in %d collections: %v\n%s", times, err, w.history)
			}
		})
	}
}

// allSettled says whether the first count shards of the phase of s are settled.
func (w *world) allSettled(s job.Shard, count int) bool {
	for s.Index = range count {
		if w.find(s.SettledKey(), "") == "" {
			return false
		}
	}
	return true
}

// copied puts a copy of the first event of the thread that the last record of
// partition 0 is of in the place of that record. It reports whether there was
// such a record.
func (w *world) copied() bool {
	for topic, parts := range w.log.topics { // there is one
		p := &parts[0]
		last := len(p.records) - 1
		for _, r := range p.records[:max(last, 0)] {
			if key := p.records[last].Key; len(key) > 0 && string(r.Key) == string(key) {
				p.records = p.records[:last]
				_, err := w.log.append(topic, 0, r.Key, r.Value)
				return err == nil
			}
		}
	}
	return false
}
