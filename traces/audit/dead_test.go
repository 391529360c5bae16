package audit_test

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
)

// outlived lets a producer lose four events of a thread of six to the dead
// letters, while the log is away, and returns those.
func (f *fixture) outlived(t *testing.T) []telemetry.DeadLetter {
	t.Helper()
	var down atomic.Bool
	var late atomic.Int64
	f.cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		f.cluster.KeepControl()
		if down.Load() && r.(*kmsg.ProduceRequest).Topics[0].Topic == topic {
			return nil, errors.New("down"), true
		}
		return nil, nil, false
	})
	p, err := telemetry.NewProducer(telemetry.Config{
		Brokers: f.brokers, Topic: topic, Instance: first, DeadLetters: &telemetry.DeadLetters{},
		Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	thread := telemetry.NewThread(p, "t")
	if err := thread.Start(ctx, "task"); err != nil {
		t.Fatal(err)
	}
	if _, err := thread.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	for range 4 {
		if err := thread.Reward(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	late.Store(int64(time.Hour))
	if _, err := p.Flush(ctx); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Fatal(err)
	}
	down.Store(false)
	if _, err := thread.End(ctx); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Fatal(err)
	}
	if a, err := p.Close(ctx); err != nil || a.DeadLettered != 4 {
		t.Fatal(a, err)
	}
	var letters []telemetry.DeadLetter
	err = traces.Topic{Log: f.log, Codec: f.codec, Name: topic + ".dead"}.Scan(ctx, 0, 0, 4, func(r traces.Record) error {
		headers := make([]telemetry.Header, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = telemetry.Header(h)
		}
		l, err := telemetry.ParseDeadLetter(time.Unix(1, 0), r.Key, r.Value, headers)
		letters = append(letters, l)
		return err
	})
	if err != nil || len(letters) != 4 {
		t.Fatal(len(letters), err)
	}
	return letters
}

// What was dead-lettered is no gap; a replay fills it, however often it comes.
func TestTombstonesLeaveNoGapAndReplaysFillThem(t *testing.T) {
	t.Parallel()
	f := start(t)
	letters := f.outlived(t)
	r := f.audit(t, f.log)
	if r.Totals.Gap != 0 || r.Totals.DeadLettered != 4 || r.Totals.Tombstones != 1 || r.Totals.Unclean != 0 || len(r.Streams) != 1 {
		t.Fatalf("the report is %+v", r)
	}
	if d := r.Streams[0].Dead; len(d) != 1 || d[0].From != 1 || d[0].Until != 5 || d[0].ShownBy != 1 {
		t.Errorf("dead is %+v", d)
	}
	// The thread lacks events until they are replayed.
	if r.Whole() || r.Totals.Incomplete != 1 {
		t.Errorf("totals are %+v", r.Totals)
	}
	replayer := telemetry.NewReplayer(f.brokers, nil, nil)
	defer replayer.Close()
	for _, some := range [][]telemetry.DeadLetter{letters[1:2], letters, letters} {
		if n, err := replayer.Replay(t.Context(), some); err != nil || n != len(some) {
			t.Fatal(n, err)
		}
	}
	r = f.audit(t, f.log)
	want := audit.Totals{
		Records: 13, Events: 6, Finals: 1, Tombstones: 1, Duplicates: 5, Replayed: 4, Reordered: 4,
		Producers: 1, Streams: 1, Threads: 1, Complete: 1,
	}
	if r.Totals != want || !r.Whole() {
		t.Errorf("totals are %+v, want %+v", r.Totals, want)
	}
}

// A tombstone that is taken away leaves a hole, and it is named.
func TestTombstoneThatIsTakenAwayLeavesAGap(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.outlived(t)
	r := f.audit(t, &cut{Log: f.log, gone: func(p int, offset int64) bool { return p == f.partition(t) && offset == 1 }})
	if r.Totals.Gap != 4 || r.Totals.DeadLettered != 0 || r.Whole() {
		t.Errorf("totals are %+v", r.Totals)
	}
}

// partition is the one that holds something.
func (f *fixture) partition(t *testing.T) int {
	t.Helper()
	bounds, err := f.log.Bounds(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return slices.IndexFunc(bounds, func(b traces.Bounds) bool { return b.End > 0 })
}
