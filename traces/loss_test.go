package traces_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/traces"
)

func keepIn(buckets [][][]byte) traces.Keep {
	return func(_ context.Context, shard int, part []byte) error {
		buckets[shard] = append(buckets[shard], part)
		return nil
	}
}

func keepNothing(context.Context, int, []byte) error { return nil }

// filled is a log of one partition that holds a round of one group, whose
// agents were acknowledged their last offsets.
func filled(t *testing.T) (*bench, round) {
	t.Helper()
	b, r := newBench(t, 1), newRound(1, 0)
	for _, m := range r.messages(b.topic.Codec) {
		r.executions[m.place].Acknowledged = []job.Position{{Offset: b.log.put(0, m.key, m.frame)}}
	}
	return b, r
}

func TestMissingMarkersAreLosses(t *testing.T) {
	t.Parallel()
	for name, hurt := range map[string]func(b *bench, r job.Range){
		"opening deleted":     func(b *bench, r job.Range) { b.log.drop(0, r.Opening.Offset) },
		"closing deleted":     func(b *bench, r job.Range) { b.log.put(0, "", nil); b.log.drop(0, r.Closing.Offset) },
		"retention":           func(b *bench, r job.Range) { b.log.bounds[0].First = r.Opening.Offset + 1 },
		"cut off":             func(b *bench, r job.Range) { b.log.bounds[0].End = r.Closing.Offset },
		"recreated, empty":    func(b *bench, _ job.Range) { *b.log = *newMemory(1) },
		"opening overwritten": func(b *bench, r job.Range) { b.log.partitions[0][0].Value = b.log.partitions[0][1].Value },
		"opening is no frame": func(b *bench, r job.Range) { b.log.partitions[0][0].Value = []byte("junk") },
		"closing of somebody's": func(b *bench, r job.Range) {
			last := len(b.log.partitions[0]) - 1
			b.log.partitions[0][last].Value = b.log.partitions[0][0].Value
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, r := filled(t)
			around := b.ranges(t)[0]
			hurt(b, around)
			kept := make([][][]byte, 1)
			found, err := b.topic.Extract(t.Context(), r.collection(), around, keepIn(kept))
			if err != nil || len(found.Losses) == 0 || len(kept[0]) > 0 {
				t.Fatalf("%+v, %v, %d parts kept", found, err, len(kept[0]))
			}
			for _, l := range found.Losses {
				if l.Kind != job.LostMarker || l.Detail == "" {
					t.Fatalf("loss %+v", l)
				}
			}
		})
	}
}

// late breaks the log once the pass has begun to read.
type late struct {
	*memory
	after int // guarded by memory's mu, as is what hurt changes
	hurt  func()
}

func (l *late) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]traces.Record, error) {
	l.mu.Lock()
	if l.after--; l.after == 0 {
		l.hurt()
	}
	l.mu.Unlock()
	return l.memory.Fetch(ctx, topic, partition, offset, min(maxBytes, 100))
}

func TestMarkersAreVerifiedAgainAfterReading(t *testing.T) {
	t.Parallel()
	b, r := filled(t)
	around := b.ranges(t)[0]
	log := &late{memory: b.log, after: 3} // two look at the markers
	log.hurt = func() { b.log.partitions[0][0].Value = []byte("another topic's") }
	b.topic.Log = log
	found, err := b.topic.Extract(t.Context(), r.collection(), around, keepNothing)
	if err != nil || len(found.Losses) != 1 || found.Losses[0].Kind != job.LostMarker {
		t.Fatalf("%+v, %v", found, err)
	}
}

func TestOffsetsDeletedUnderTheReaderAreALoss(t *testing.T) {
	t.Parallel()
	b, r := filled(t)
	around := b.ranges(t)[0]
	log := &late{memory: b.log, after: 5}
	log.hurt = func() { b.log.bounds[0].First = around.Closing.Offset }
	b.topic.Log = log
	found, err := b.topic.Extract(t.Context(), r.collection(), around, keepNothing)
	if err != nil || len(found.Losses) == 0 || found.Losses[0].Kind != job.LostMarker {
		t.Fatalf("%+v, %v", found, err)
	}
}

func TestAcknowledgedOffsetsMustHoldTheThread(t *testing.T) {
	t.Parallel()
	for name, hurt := range map[string]func(b *bench, r *round){
		"hole": func(b *bench, r *round) { b.log.drop(0, r.executions[0].Acknowledged[0].Offset) },
		"another thread": func(_ *bench, r *round) {
			r.executions[0].Acknowledged[0].Offset = r.executions[1].Acknowledged[0].Offset
		},
		"before the mark": func(_ *bench, r *round) { r.executions[0].Acknowledged[0].Offset = 0 },
		"far beyond":      func(_ *bench, r *round) { r.executions[0].Acknowledged[0].Offset = 1000 },
		"overwritten": func(b *bench, r *round) {
			b.log.partitions[0][r.executions[0].Acknowledged[0].Offset].Key = []byte("x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, r := filled(t)
			hurt(b, &r)
			found, err := b.topic.Extract(t.Context(), r.collection(), b.ranges(t)[0], keepNothing)
			if err != nil || len(found.Losses) != 1 {
				t.Fatalf("%+v, %v", found, err)
			}
			if l := found.Losses[0]; l.Kind != job.LostOffset || l.Group != 5 || l.Rollout != 0 {
				t.Fatalf("loss %+v", l)
			}
		})
	}
}

// A log that loses its end and takes a copy of an event that it still holds may
// have it where a lost one was acknowledged. That the thread lacks an event is
// then no fate of a rollout without attempts, unless no collection can follow.
func TestCopyWhereALostEventWasAcknowledgedIsALoss(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lost, again int   // indices of the last event sent, which is lost, and of the one that comes again
		before      int64 // how far before the lost one the acknowledged one lies
		last        bool
		loss        bool
		reason      job.Reason
	}{
		"the first is lost":                       {lost: 0, again: 2, loss: true},
		"the end is lost":                         {lost: 3, again: 0, loss: true},
		"no collection can follow":                {lost: 0, again: 2, last: true, reason: job.IncompleteTrace},
		"an event that is there was acknowledged": {lost: 0, again: 2, before: 1, reason: job.IncompleteTrace},
		"the lost one comes again":                {lost: 3, again: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, r := newBench(t, 1), newRound(1, 0)
			messages := r.messages(b.topic.Codec) // 4 of the first rollout, then those of the second
			for _, m := range slices.Backward(messages) {
				if m.place > 0 || m.index != c.lost {
					b.log.put(0, m.key, m.frame)
				}
			}
			lost, again := messages[c.lost], messages[c.again]
			at := b.log.put(0, lost.key, lost.frame)
			r.executions[0].Acknowledged = []job.Position{{Offset: at - c.before}}
			b.log.cutOff(0, at)
			b.log.put(0, again.key, again.frame)

			parts, found, err := b.topic.ExtractAll(t.Context(), r.collection(), b.ranges(t))
			if err != nil || len(found.Losses) > 0 {
				t.Fatal(found.Losses, err)
			}
			all, err := traces.Assemble(b.topic.Codec, traces.Assembly{
				Collection: r.collection(), To: 2, Features: features, Spent: func(int, int) bool { return true }, Last: c.last,
			}, parts)
			if err != nil || (len(all.Losses) > 0) != c.loss {
				t.Fatalf("losses %v, %v", all.Losses, err)
			}
			if o := all.Outcomes[0]; !c.loss && o.Reason != c.reason {
				t.Errorf("outcome %+v", o)
			}
			for _, l := range all.Losses {
				if l.Kind != job.LostOffset || l.Offset != at || l.Partition != 0 || l.Group != 5 || l.Rollout != 0 || l.Detail == "" {
					t.Errorf("loss %+v", l)
				}
			}
		})
	}
}

func TestFailedExecutionsPromiseNothing(t *testing.T) {
	t.Parallel()
	b, r := filled(t)
	r.executions[0].Acknowledged[0].Offset = 1000
	r.executions[0].Reason, r.executions[0].Detail = job.AgentError, "it said no"
	found, all := b.collect(t, r, false)
	if len(found.Losses)+len(all.Losses) > 0 {
		t.Fatalf("losses %v %v", found.Losses, all.Losses)
	}
	if found.Counts.Superseded != 4 {
		t.Fatalf("counts %+v", found.Counts)
	}
	if o := all.Outcomes[0]; o.Reason != job.AgentError || o.Detail != "it said no" || o.Events != 0 {
		t.Fatalf("outcome %+v", o)
	}
	if o := all.Outcomes[1]; o.Reason != "" {
		t.Fatalf("outcome %+v", o)
	}
}

// silent claims to hold records and never hands one over.
type silent struct{ *memory }

func (silent) Fetch(context.Context, string, int, int64, int) ([]traces.Record, error) {
	return nil, nil
}

func TestIdleLogIsAnErrorNotAHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, r := filled(t)
		around := b.ranges(t)[0]
		b.topic.Log = silent{b.log}
		if _, err := b.topic.Extract(t.Context(), r.collection(), around, keepNothing); !errors.Is(err, traces.ErrSilent) {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.topic.Extract(ctx, r.collection(), around, keepNothing); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

// reticent is a log whose first fetches hand nothing over, though it claims to
// hold what was asked for: it grew over that since, or has just come back.
type reticent struct {
	*memory
	left *atomic.Int32
}

func (l reticent) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]traces.Record, error) {
	if l.left.Add(-1) >= 0 {
		return nil, nil
	}
	return l.memory.Fetch(ctx, topic, partition, offset, maxBytes)
}

func TestLogThatHandsOverLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, r := filled(t)
		around := b.ranges(t)[0]
		var left atomic.Int32
		left.Store(20)
		b.topic.Log = reticent{b.log, &left}
		found, err := b.topic.Extract(t.Context(), r.collection(), around, keepNothing)
		if err != nil || len(found.Losses) > 0 || left.Load() > 0 {
			t.Fatalf("%+v, %v, %d fetches left", found.Losses, err, left.Load())
		}
	})
}

func TestExecutionsMustMatchThePlan(t *testing.T) {
	t.Parallel()
	b, r := filled(t)
	around := b.ranges(t)[0]
	r.executions[0], r.executions[1] = r.executions[1], r.executions[0]
	if _, err := b.topic.Extract(t.Context(), r.collection(), around, keepNothing); err == nil || !strings.Contains(err.Error(), "planned is 5/0") {
		t.Fatal(err)
	}
	r.executions = r.executions[:1]
	if _, err := traces.Assemble(b.topic.Codec, traces.Assembly{Collection: r.collection()}, nil); err == nil {
		t.Fatal("one execution for two rollouts")
	}
}

func TestFailedKeepIsReported(t *testing.T) {
	t.Parallel()
	b, r := filled(t)
	broken := errors.New("store is full")
	_, err := b.topic.Extract(t.Context(), r.collection(), b.ranges(t)[0], func(context.Context, int, []byte) error { return broken })
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
}
