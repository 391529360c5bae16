package traces_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// memory is a log in memory whose offsets may have holes.
type memory struct {
	mu         sync.Mutex
	partitions [][]traces.Record // by partition
	bounds     []traces.Bounds
	reads      []int // fetches by partition
}

func newMemory(partitions int) *memory {
	return &memory{
		partitions: make([][]traces.Record, partitions),
		bounds:     make([]traces.Bounds, partitions), reads: make([]int, partitions),
	}
}

func (m *memory) Create(context.Context, string, int, time.Duration) error { return nil }

func (m *memory) Bounds(context.Context, string) ([]traces.Bounds, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]traces.Bounds(nil), m.bounds...), nil
}

func (m *memory) Fetch(_ context.Context, _ string, partition int, offset int64, maxBytes int) ([]traces.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads[partition]++
	if b := m.bounds[partition]; offset < b.First || offset > b.End {
		return nil, traces.ErrGone
	}
	var records []traces.Record
	for _, r := range m.partitions[partition] {
		if r.Offset >= offset && r.Offset < m.bounds[partition].End && maxBytes > 0 {
			records = append(records, r)
			maxBytes -= len(r.Value)
		}
	}
	return records, nil
}

func (m *memory) Append(_ context.Context, _ string, partition int, value []byte) (int64, error) {
	return m.put(partition, "", value), nil
}

func (m *memory) put(partition int, key string, value []byte) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	offset := m.bounds[partition].End
	m.bounds[partition].End++
	m.partitions[partition] = append(m.partitions[partition], traces.Record{Partition: partition, Offset: offset, Key: []byte(key), Value: value})
	return offset
}

// cutOff loses the end of a partition, from offset on.
func (m *memory) cutOff(partition int, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bounds[partition].End = offset
	m.partitions[partition] = slices.DeleteFunc(m.partitions[partition], func(r traces.Record) bool { return r.Offset >= offset })
}

// drop makes a hole.
func (m *memory) drop(partition int, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, r := range m.partitions[partition] {
		if r.Offset == offset {
			m.partitions[partition] = append(m.partitions[partition][:i:i], m.partitions[partition][i+1:]...)
			return
		}
	}
}

const weights = "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b"

// features is the width of the policy's candidates.
const features = 2

func codec() *telemetry.Codec {
	c, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.Zstd)
	if err != nil {
		panic(err)
	}
	return c
}

// round is a unit of groups of 2 rollouts, with the events that their agents send.
type round struct {
	plan       *job.Plan
	executions []job.Execution
	events     [][]telemetry.Event // by place in the plan
}

func newRound(groups, perAssemble int) round {
	r := round{plan: &job.Plan{
		Unit: job.Unit{Job: "j", Step: 3}, Policy: job.PolicyRef{Weights: weights},
		First: 5, Rollouts: 2, Layout: job.Layout{PerRollout: 1, Partitions: 1, PerAssemble: perAssemble},
	}}
	for g := range groups {
		r.plan.Tasks = append(r.plan.Tasks, 100+g)
	}
	for place := range r.plan.Planned() {
		group, rollout := r.plan.At(place)
		e := job.Execution{Group: group, Rollout: rollout, Nonce: fmt.Sprintf("n%d", place), Executions: 1}
		events := script(r.plan.Unit.ThreadID(group, rollout, e.Nonce), 1+place%3, float64(place))
		e.Events = uint64(len(events))
		r.executions, r.events = append(r.executions, e), append(r.events, events)
	}
	return r
}

// script is a start, so many decisions, a reward and an end.
func script(thread string, decisions int, reward float64) []telemetry.Event {
	bodies := []telemetry.Body{telemetry.Start{Task: "task"}}
	for n := range decisions {
		bodies = append(bodies, telemetry.Decision{
			Number: uint32(n), Policy: weights, Width: features,
			Features: []float32{float32(n), 1, float32(reward), 2}, Chosen: uint32(n % 2), LogProb: -0.5,
		})
	}
	bodies = append(bodies, telemetry.Reward{Value: reward}, telemetry.End{Events: uint64(decisions + 3)})
	events := make([]telemetry.Event, len(bodies))
	for i, b := range bodies {
		events[i] = telemetry.Event{Thread: thread, Index: uint64(i), Time: time.Unix(int64(i), 0).UTC(), Name: "reward", Body: b}
	}
	return events
}

func (r round) collection() traces.Collection {
	return traces.Collection{Plan: r.plan, Executions: r.executions}
}

// message is an event on its way to a partition.
type message struct {
	place, index int
	key          string
	frame        []byte
}

func (r round) messages(c *telemetry.Codec) []message {
	var all []message
	for place, events := range r.events {
		for i, e := range events {
			frame, err := c.Encode(e)
			if err != nil {
				panic(err)
			}
			all = append(all, message{place, i, e.Thread, frame})
		}
	}
	return all
}

func nonces() func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("marker-%d", n)
	}
}

// bench is a topic in memory with its opening markers.
type bench struct {
	topic   traces.Topic
	log     *memory
	opening []job.Mark
	nonce   func() string
}

func newBench(tb fataler, partitions int) *bench {
	tb.Helper()
	b := &bench{log: newMemory(partitions), nonce: nonces()}
	b.topic = traces.Topic{Log: b.log, Codec: codec(), Name: "t"}
	b.opening = b.mark(tb)
	return b
}

// fataler is a test or a property's run.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func (b *bench) mark(tb fataler) []job.Mark {
	tb.Helper()
	marks, err := b.topic.AppendMarkers(context.Background(), "j", len(b.log.bounds), time.Unix(1, 0), b.nonce)
	if err != nil {
		tb.Fatal(err)
	}
	return marks
}

// ranges closes the ranges.
func (b *bench) ranges(tb fataler) []job.Range {
	tb.Helper()
	var ranges []job.Range
	for p, closing := range b.mark(tb) {
		ranges = append(ranges, job.Range{Opening: b.opening[p], Closing: closing})
	}
	return ranges
}

// collect extracts and assembles everything.
func (b *bench) collect(tb fataler, r round, spent bool) (traces.Extracted, traces.Assembled) {
	tb.Helper()
	parts, found, err := b.topic.ExtractAll(context.Background(), r.collection(), b.ranges(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return found, r.assemble(tb, b.topic.Codec, spent, parts)
}

func (r round) assemble(tb fataler, c *telemetry.Codec, spent bool, parts [][]byte) traces.Assembled {
	tb.Helper()
	all, err := traces.Assemble(c, traces.Assembly{
		Collection: r.collection(), To: r.plan.Planned(), Features: features,
		Spent: func(int, int) bool { return spent },
	}, parts)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

var _ fataler = (*testing.T)(nil)
