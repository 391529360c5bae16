package audit

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// partitionsAtOnce is how many partitions are read side by side.
const partitionsAtOnce = 8

// Audit reads a topic once, from where it begins to where it ended when it was
// looked up, and returns its account. Memory grows with producers, threads and
// gaps, not with events. What retention takes away meanwhile is traces.ErrGone.
func Audit(ctx context.Context, t traces.Topic, limits telemetry.Limits) (*Report, error) {
	bounds, err := t.Log.Bounds(ctx, t.Name)
	if err != nil {
		return nil, fmt.Errorf("audit %s: %w", t.Name, err)
	}
	threads := &threads{ends: map[string]uint64{}}
	readings := make([]*reading, len(bounds))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(partitionsAtOnce)
	for p, b := range bounds {
		readings[p] = &reading{
			codec: t.Codec, origins: telemetry.HeaderReader{Limits: limits}, threads: threads, finals: map[string]bool{},
			partition: Partition{Number: p, First: b.First, End: b.End},
		}
		g.Go(func() error { return t.Scan(gctx, p, b.First, b.End, readings[p].take) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("audit %s: %w", t.Name, err)
	}
	return report(t.Name, readings, threads), nil
}

// reading is the pass over one partition.
type reading struct {
	codec   *telemetry.Codec
	origins telemetry.HeaderReader
	threads *threads
	headers []telemetry.Header // of the record at hand
	outline telemetry.Outline

	partition  Partition
	marks      telemetry.Watermarks
	finals     map[string]bool // producers whose final record was seen
	totals     Totals
	unreadable []Unreadable
}

// take books a record.
func (r *reading) take(record traces.Record) error {
	r.partition.Records++
	r.totals.Records++
	r.headers = r.headers[:0]
	for _, h := range record.Headers {
		r.headers = append(r.headers, telemetry.Header(h))
	}
	origin, err := r.origins.Read(r.headers)
	if err != nil {
		r.refuse(record, err)
		return nil
	}
	event := &r.outline
	err = r.codec.Outline(record.Value, event)
	if grave, ok := event.Body.(telemetry.Tombstone); ok && err == nil {
		r.bury(record, origin, grave)
		return nil
	}
	if !r.marks.Observe(origin.Producer, r.partition.Number, origin.Sequence, record.Offset) {
		r.totals.Duplicates++
		return nil
	}
	if err != nil {
		r.refuse(record, err)
		return nil
	}
	switch body := event.Body.(type) {
	case telemetry.Marker:
		r.totals.Markers++
		return nil
	case telemetry.Final:
		r.totals.Finals++
		r.finals[origin.Producer] = true
		return nil
	case telemetry.End:
		r.threads.end(event.Thread, body.Events)
	}
	r.totals.Events++
	if origin.Replayed {
		r.totals.Replayed++
	}
	r.threads.observe(event.Thread, event.Index, record.Offset)
	return nil
}

// bury books a tombstone. It is in the log's order where the events would be,
// so its own sequence is the last that it covers.
func (r *reading) bury(record traces.Record, origin telemetry.Origin, grave telemetry.Tombstone) {
	last := grave.First + grave.Count - 1
	if origin.Producer == "" || origin.Sequence != last {
		r.refuse(record, fmt.Errorf("%w: a tombstone of sequences %d to %d under sequence %d", telemetry.ErrInvalidEvent, grave.First, last, origin.Sequence))
		return
	}
	r.totals.Tombstones++
	r.marks.Bury(origin.Producer, r.partition.Number, grave.First, last, record.Offset)
}

func (r *reading) refuse(record traces.Record, err error) {
	r.totals.Unreadable++
	if len(r.unreadable) < maxListed {
		r.unreadable = append(r.unreadable, Unreadable{Partition: r.partition.Number, Offset: record.Offset, Reason: err.Error()})
	}
}

// threads follows the index of every thread, whichever partitions it lies in.
type threads struct {
	mu    sync.Mutex // guards what follows
	marks telemetry.Watermarks
	ends  map[string]uint64 // how many events a thread says it has
}

func (t *threads) observe(id string, index uint64, offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks.Observe(id, 0, index, offset)
}

func (t *threads) end(id string, events uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ends[id] = events
}
