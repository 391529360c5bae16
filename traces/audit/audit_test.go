package audit_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
	"github.com/cohort-rl/cohort/traces/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topic      = "topic"
	partitions = 2
	first      = "000102030405060708090a0b0c0d0e0f"
	second     = "101112131415161718191a1b1c1d1e1f"
)

// cut is a log from which some records were taken, and which may begin later.
type cut struct {
	traces.Log
	begins int64 // of every partition
	gone   func(partition int, offset int64) bool
}

func (c *cut) Bounds(ctx context.Context, name string) ([]traces.Bounds, error) {
	bounds, err := c.Log.Bounds(ctx, name)
	for i := range bounds {
		bounds[i].First = min(max(bounds[i].First, c.begins), bounds[i].End)
		if c.gone != nil && c.gone(i, bounds[i].End-1) {
			bounds[i].End--
		}
	}
	return bounds, err
}

func (c *cut) Fetch(ctx context.Context, name string, partition int, offset int64, maxBytes int) ([]traces.Record, error) {
	records, err := c.Log.Fetch(ctx, name, partition, offset, maxBytes)
	var left []traces.Record
	for _, r := range records {
		if c.gone == nil || !c.gone(partition, r.Offset) {
			left = append(left, r)
		}
	}
	return left, err
}

// fixture is a broker with a topic, and the log on it.
type fixture struct {
	cluster *kfake.Cluster
	brokers []string
	log     *kafka.Log
	codec   *telemetry.Codec
}

func start(t *testing.T) *fixture {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	f := &fixture{cluster: c, brokers: c.ListenAddrs()}
	if f.log, err = kafka.Open(kafka.Config{Brokers: f.brokers}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.log.Close)
	if f.codec, err = telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None); err != nil {
		t.Fatal(err)
	}
	return f
}

// produce lets a producer record threads of five events each, and end cleanly.
func (f *fixture) produce(t *testing.T, instance string, threads int) {
	t.Helper()
	p, err := telemetry.NewProducer(telemetry.Config{Brokers: f.brokers, Topic: topic, Instance: instance, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := range threads {
		thread := telemetry.NewThread(p, fmt.Sprintf("%s/%d", instance[:2], n))
		err := thread.Start(ctx, "task")
		for range 3 {
			if err == nil {
				err = thread.Reward(ctx, 1)
			}
		}
		if err == nil {
			_, err = thread.End(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) audit(t *testing.T, log traces.Log) *audit.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := audit.Audit(ctx, traces.Topic{Log: log, Codec: f.codec, Name: topic}, telemetry.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWholeLogLacksNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.produce(t, first, 20)
	f.produce(t, second, 10)
	r := f.audit(t, f.log)
	if !r.Whole() || len(r.Streams)+len(r.Threads)+len(r.Unreadable) > 0 {
		t.Errorf("the report is %+v", r)
	}
	want := audit.Totals{Records: 154, Events: 150, Finals: 4, Producers: 2, Streams: 4, Threads: 30, Complete: 30}
	if r.Totals != want {
		t.Errorf("totals are %+v, want %+v", r.Totals, want)
	}
}

// Whichever record is taken away, the audit names producer, partition and
// sequence, and the thread that lacks it.
func TestEachRecordThatIsTakenAwayIsNamed(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.produce(t, first, 6)
	whole := f.audit(t, f.log)
	for _, p := range whole.Partitions {
		for taken := p.First; taken < p.End; taken++ {
			r := f.audit(t, &cut{Log: f.log, gone: func(partition int, offset int64) bool { return partition == p.Number && offset == taken }})
			if len(r.Streams) != 1 {
				t.Fatalf("offset %d of partition %d was taken: %+v", taken, p.Number, r)
			}
			s := r.Streams[0]
			if taken == p.End-1 { // the final record: nobody can tell what came before it
				if !s.Unclean || !r.Whole() || r.Totals.Unclean != 1 {
					t.Errorf("the final record was taken: %+v", r)
				}
				continue
			}
			at := uint64(taken) //nolint:gosec // one producer: sequences are offsets
			gap := []audit.Gap{{From: at, Until: at + 1, ShownBy: taken + 1}}
			if r.Whole() || s.Producer != first || s.Partition != p.Number || !reflect.DeepEqual(s.Gaps, gap) || r.Totals.Gap != 1 {
				t.Errorf("offset %d of partition %d was taken: %+v", taken, p.Number, r)
			}
			// Without its end a thread is open; without another event it is incomplete.
			if r.Totals.Incomplete+r.Totals.Open != 1 || r.Totals.Complete != 5 || len(r.Threads) != r.Totals.Incomplete {
				t.Errorf("offset %d of partition %d was taken: threads %+v, totals %+v", taken, p.Number, r.Threads, r.Totals)
			}
		}
	}
}

func TestTrimmedLogSaysWhereItStarts(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.produce(t, first, 20)
	r := f.audit(t, &cut{Log: f.log, begins: 7})
	if !r.Whole() || r.Totals.Trimmed != partitions || r.Totals.Gap != 0 {
		t.Fatalf("the report is %+v", r)
	}
	for _, s := range r.Streams {
		if s.StartsAt != 7 || s.First != 7 || s.Unclean {
			t.Errorf("a stream is %+v", s)
		}
	}
}

func TestRecordThatIsNoneOfOursIsNamed(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.produce(t, first, 2)
	at, err := f.log.Append(t.Context(), topic, 1, []byte("no frame"))
	if err != nil {
		t.Fatal(err)
	}
	r := f.audit(t, f.log)
	if r.Whole() || len(r.Unreadable) != 1 {
		t.Fatalf("the report is %+v", r)
	}
	if u := r.Unreadable[0]; u.Partition != 1 || u.Offset != at || !strings.Contains(u.Reason, "frame") {
		t.Errorf("the record is %+v", u)
	}
}
