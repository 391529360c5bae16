package collect_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a topic in memory whose partitions may lose records, their beginning
// or their leader.
type memory struct {
	traces.Log // what is not modelled panics

	mu      sync.Mutex
	records [][]traces.Record // by partition
	first   []int64
	end     []int64
	reads   []int                             // fetches, by partition
	away    map[int]bool                      // partitions without a leader
	most    int                               // records of an answer, 0 for any
	before  func(partition int, offset int64) // called before a fetch, unlocked
}

func newMemory(partitions int) *memory {
	return &memory{
		records: make([][]traces.Record, partitions), first: make([]int64, partitions), end: make([]int64, partitions),
		reads: make([]int, partitions), away: map[int]bool{},
	}
}

func (m *memory) Partitions(context.Context, string) (int, error) { return len(m.records), nil }

func (m *memory) BoundsOf(ctx context.Context, _ string, p int) (traces.Bounds, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away[p] {
		m.mu.Unlock()
		<-ctx.Done()
		m.mu.Lock()
		return traces.Bounds{}, fmt.Errorf("no leader: %w", ctx.Err())
	}
	return traces.Bounds{First: m.first[p], End: m.end[p]}, nil
}

func (m *memory) FetchOn(_ context.Context, _ string, p int, offset int64, maxBytes int) ([]traces.Record, int64, error) {
	if m.before != nil {
		m.before(p, offset)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads[p]++
	if offset < m.first[p] || offset > m.end[p] {
		return nil, offset, traces.ErrGone
	}
	var found []traces.Record
	next := offset
	for _, r := range m.records[p] {
		if r.Offset < offset {
			continue
		}
		if maxBytes <= 0 || (m.most > 0 && len(found) == m.most) {
			return found, next, nil
		}
		found, next = append(found, r), r.Offset+1
		maxBytes -= len(r.Value)
	}
	return found, m.end[p], nil
}

func (m *memory) put(p int, key string, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[p] = append(m.records[p], traces.Record{Partition: p, Offset: m.end[p], Key: []byte(key), Value: value})
	m.end[p]++
}

// deleteBefore takes away what retention does.
func (m *memory) deleteBefore(p int, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.first[p] = offset
	for len(m.records[p]) > 0 && m.records[p][0].Offset < offset {
		m.records[p] = m.records[p][1:]
	}
}

func rules() threads.Rules { return threads.DefaultRules(time.Unix(2_000_000_000, 0)) }

// options spill almost everything.
func options(t *testing.T) collect.Options {
	t.Helper()
	o := collect.DefaultOptions(rules())
	o.Memory, o.AtOnce, o.Dir = 1<<20, 4, t.TempDir()
	return o
}

func newCodec(t *testing.T) *telemetry.Codec {
	t.Helper()
	c, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// thread are the frames of a whole thread of n events, n at least 3.
func thread(t *testing.T, id string, n int) [][]byte {
	t.Helper()
	c := newCodec(t)
	frames := make([][]byte, n)
	for i := range frames {
		var body telemetry.Body = telemetry.Decision{
			Number: uint32(i), Policy: "p", Width: 2, Features: []float32{1, 2, 3, float32(i)}, Chosen: 1, LogProb: -0.5,
		}
		switch i {
		case 0:
			body = telemetry.Start{Task: "task of " + id}
		case n - 2:
			body = telemetry.Reward{Value: float64(n)}
		case n - 1:
			body = telemetry.End{Events: uint64(n)}
		}
		var err error
		frames[i], err = c.Encode(telemetry.Event{Thread: id, Index: uint64(i), Time: time.Unix(1000+int64(i), 0).UTC(), Name: "reward", Body: body})
		if err != nil {
			t.Fatal(err)
		}
	}
	return frames
}

// spread puts frames into the partitions at random, each so many times.
func (m *memory) spread(random *numerics.Stream, key string, frames [][]byte, times int) {
	for range times {
		for _, f := range frames {
			m.put(int(random.Uint64()%uint64(len(m.records))), key, f)
		}
	}
}

func topic(m *memory) collect.Topic { return collect.Topic{Log: m, Name: "topic"} }

// collected reads everything and returns the threads and the report.
func collected(t *testing.T, ctx context.Context, o collect.Options, sources ...threads.Source) ([]collect.Found, collect.Report) { //nolint:revive // t is first everywhere
	t.Helper()
	c, err := collect.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, s := range sources {
		if err := c.Read(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	var all []collect.Found
	for f, err := range c.Threads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all, c.Report()
}
