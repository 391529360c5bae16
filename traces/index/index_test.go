package index_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/index"
	"github.com/cohort-rl/cohort/traces/kafka"
	"github.com/cohort-rl/cohort/traces/threads"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	topic      = "events"
	partitions = 4
	many       = 400 // threads
	length     = 20  // events of a thread
	beside     = 8   // threads that run at a time
)

// fixture is a topic with threads on a broker in the process.
type fixture struct {
	cluster *kfake.Cluster
	log     *kafka.Log
	codec   *telemetry.Codec
}

func start(t *testing.T) *fixture {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	log, err := kafka.Open(kafka.Config{Brokers: cluster.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{cluster, log, codec}
	f.fill(t, "thread")
	return f
}

// fill makes the topic, with the events of threads as they come from agents of
// which a few run at a time.
func (f *fixture) fill(t *testing.T, name string) {
	t.Helper()
	if err := f.log.Create(t.Context(), topic, partitions, 0); err != nil {
		t.Fatal(err)
	}
	var batches [partitions][]traces.Record
	flush := func(p int) {
		if err := f.log.Write(t.Context(), topic, p, batches[p]); err != nil {
			t.Fatal(err)
		}
		batches[p] = nil
	}
	for wave := 0; wave < many; wave += beside {
		for n := range length {
			for i := wave; i < wave+beside; i++ {
				p := i % partitions
				if batches[p] = append(batches[p], f.record(t, fmt.Sprintf("%s-%03d", name, i), n)); len(batches[p]) == 10 {
					flush(p)
				}
			}
		}
	}
	for p := range batches {
		if len(batches[p]) > 0 {
			flush(p)
		}
	}
}

func (f *fixture) record(t *testing.T, id string, n int) traces.Record {
	t.Helper()
	var body telemetry.Body = telemetry.ModelCall{Model: strings.Repeat("m", 200)}
	if n == length-1 {
		body = telemetry.End{Events: length}
	}
	frame, err := f.codec.Encode(telemetry.Event{Thread: id, Index: uint64(n), Time: time.Unix(int64(n), 0), Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return traces.Record{Key: []byte(id), Value: frame}
}

func read(t *testing.T, source threads.Source) ([]collect.Found, error) {
	t.Helper()
	o := collect.DefaultOptions(threads.DefaultRules(time.Unix(2_000_000_000, 0)))
	o.Dir, o.Messages = t.TempDir(), true
	c, err := collect.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Read(t.Context(), source); err != nil {
		return nil, err
	}
	var all []collect.Found
	for f, err := range c.Threads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all, nil
}

// indexed makes the index of the topic and stores it.
func (f *fixture) indexed(t *testing.T) blob.Bucket {
	t.Helper()
	bounds, err := f.log.Bounds(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	var ranges []collect.Range
	for p, b := range bounds {
		ranges = append(ranges, collect.Range{Partition: p, From: b.First, Until: b.End})
	}
	all, err := read(t, collect.Topic{Log: f.log, Name: topic, Ranges: ranges})
	if err != nil || len(all) != many {
		t.Fatalf("%d threads, %v", len(all), err)
	}
	b := index.NewBuilder(topic, ranges)
	for i := range all {
		if err := b.Add(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	bucket := mem.New()
	if _, _, err := b.Index().Save(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return bucket
}

func load(t *testing.T, bucket blob.Bucket) (*index.Index, int) {
	t.Helper()
	x, bytes, err := index.Load(t.Context(), bucket, topic)
	if err != nil {
		t.Fatal(err)
	}
	return x, bytes
}

// Who needs one thread of a hundred reads at most one byte of twenty, the index
// and its verification included.
func TestReadingThroughAnIndexReadsLittle(t *testing.T) {
	t.Parallel()
	f := start(t)
	bucket := f.indexed(t)
	before := f.log.Fetched()
	x, bytes := load(t, bucket)
	if err := x.Verify(t.Context(), f.log); err != nil {
		t.Fatal(err)
	}
	wanted := []string{"thread-017", "thread-123", "thread-200", "thread-399"}
	all, err := read(t, index.Source{Log: f.log, Index: x, Threads: wanted})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(all))
	for _, f := range all {
		got = append(got, f.ID)
		if f.State != threads.Complete || f.Spans != length {
			t.Errorf("%s is %s with %d events", f.ID, f.State, f.Spans)
		}
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("read %v, want %v", got, wanted)
	}
	if n := f.log.Fetched() - before + int64(bytes); n*20 > x.Bytes {
		t.Errorf("%d bytes were read of a range of %d", n, x.Bytes)
	}
	if err := f.log.Write(t.Context(), topic, 1, []traces.Record{f.record(t, "thread-late", 0)}); err != nil {
		t.Fatal(err)
	}
	if since, err := x.Since(t.Context(), f.log); err != nil || len(since) != 1 || since[0].Partition != 1 || since[0].Until-since[0].From != 1 {
		t.Errorf("since the index came %v, %v", since, err)
	}
}

// An index is refused by name once the log is another.
func TestIndexOfAnotherLogIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, f *fixture)
		want   string
	}{
		"topic made again": {func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.log.Delete(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			f.fill(t, "other")
		}, "the topic events was made again"},
		"topic made again, shorter": {func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.log.Delete(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
			if err := f.log.Create(t.Context(), topic, partitions, 0); err != nil {
				t.Fatal(err)
			}
		}, "was cut or made again"},
		"topic deleted": {func(t *testing.T, f *fixture) {
			t.Helper()
			if err := f.log.Delete(t.Context(), topic); err != nil {
				t.Fatal(err)
			}
		}, "is gone"},
		"retention": {func(t *testing.T, f *fixture) {
			t.Helper()
			deleteBefore(t, f.cluster, 2, 100)
		}, "retention has deleted records"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			x, _ := load(t, f.indexed(t))
			c.change(t, f)
			if err := x.Verify(t.Context(), f.log); !errors.Is(err, index.ErrStale) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("verified: %v; want %q", err, c.want)
			}
		})
	}
}

// compacted is a log from which a record was taken.
type compacted struct {
	index.Log
	partition int
	offset    int64
}

func (c compacted) FetchOn(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]traces.Record, int64, error) {
	records, next, err := c.Log.FetchOn(ctx, topic, partition, offset, maxBytes)
	return slices.DeleteFunc(records, func(r traces.Record) bool { return partition == c.partition && r.Offset == c.offset }), next, err
}

// A record that compaction took makes no shorter thread: the index is refused.
func TestRecordThatIsGoneMakesTheIndexStale(t *testing.T) {
	t.Parallel()
	f := start(t)
	x, _ := load(t, f.indexed(t))
	at := x.Stretches("thread-017")[0]
	for name, log := range map[string]index.Log{
		"in the thread": compacted{f.log, at.Partition, at.Offsets[7]}, "at its end": compacted{f.log, at.Partition, at.Offsets[length-1]},
	} {
		if _, err := read(t, index.Source{Log: log, Index: x, Threads: []string{"thread-017"}}); !errors.Is(err, index.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	last := x.Anchors[0]
	if err := x.Verify(t.Context(), compacted{f.log, last.Partition, last.Offset}); !errors.Is(err, index.ErrStale) || !strings.Contains(err.Error(), "compacted") {
		t.Errorf("verified: %v", err)
	}
}

// Every flipped byte of an index is found.
func TestDamagedIndexIsNamed(t *testing.T) {
	t.Parallel()
	b := index.NewBuilder(topic, []collect.Range{{Partition: 0, From: 0, Until: 9}})
	if err := b.Add(&collect.Found{Thread: threads.Thread{ID: "a"}, Messages: []threads.Message{{Place: threads.Place{Source: topic, Offset: 3}}}}); err != nil {
		t.Fatal(err)
	}
	body, err := b.Index().Encode()
	if err != nil {
		t.Fatal(err)
	}
	if x, err := index.Decode(body); err != nil || x.Stretches("a")[0].Offsets[0] != 3 {
		t.Fatal(err)
	}
	for i := range body {
		bad := slices.Clone(body)
		bad[i] ^= 4
		if _, err := index.Decode(bad); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := index.Decode(body[:i]); !errors.Is(err, index.ErrCorrupt) {
			t.Errorf("cut after byte %d: %v", i, err)
		}
	}
}

func deleteBefore(t *testing.T, c *kfake.Cluster, partition int32, offset int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := deleteRecords(t.Context(), client, partition, offset); err != nil {
		t.Fatal(err)
	}
}
