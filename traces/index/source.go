package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

// A Log is what threads are read from by their offsets.
type Log interface {
	collect.Stepper
	Bounds(ctx context.Context, topic string) ([]traces.Bounds, error)
}

const (
	// nearBytes is how many bytes that nobody asked for are read along, rather than
	// asking again.
	nearBytes = 8 << 10
	// minFetch is the least that is asked for at once, maxFetch the most.
	minFetch = 4 << 10
	maxFetch = 1 << 20
)

// Verify holds the index against the log: its ranges must still be there, and
// its anchors be the records that they were. Errors wrap ErrStale if they are
// not.
func (x *Index) Verify(ctx context.Context, log Log) error {
	bounds, err := log.Bounds(ctx, x.Topic)
	if errors.Is(err, traces.ErrGone) {
		return fmt.Errorf("%w: the topic %s is gone: %w", ErrStale, x.Topic, err)
	}
	if err != nil {
		return fmt.Errorf("verify index: %w", err)
	}
	for _, r := range x.Ranges {
		switch {
		case r.Partition >= len(bounds):
			return fmt.Errorf("%w: partition %d is gone, the topic %s has %d: it was made again", ErrStale, r.Partition, x.Topic, len(bounds))
		case r.From == r.Until:
		case bounds[r.Partition].End < r.Until:
			return fmt.Errorf("%w: partition %d ends at %d, it reads to %d: the topic %s was cut or made again",
				ErrStale, r.Partition, bounds[r.Partition].End, r.Until, x.Topic)
		case bounds[r.Partition].First > r.From:
			return fmt.Errorf("%w: partition %d begins at %d, it reads from %d: retention has deleted records of the topic %s",
				ErrStale, r.Partition, bounds[r.Partition].First, r.From, x.Topic)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(inFlight)
	for _, a := range x.Anchors {
		g.Go(func() error {
			records, _, err := log.FetchOn(gctx, x.Topic, a.Partition, a.Offset, 1)
			switch {
			case errors.Is(err, traces.ErrGone):
				return fmt.Errorf("%w: offset %d of partition %d is gone", ErrStale, a.Offset, a.Partition)
			case err != nil:
				return fmt.Errorf("verify index: %w", err)
			case len(records) == 0 || records[0].Offset != a.Offset:
				return fmt.Errorf("%w: offset %d of partition %d holds no record any more: the topic %s is compacted, or was made again", ErrStale, a.Offset, a.Partition, x.Topic)
			case a.Sum != 0 && sumOf(records[0].Value) != a.Sum:
				return fmt.Errorf("%w: another record lies at offset %d of partition %d: the topic %s was made again", ErrStale, a.Offset, a.Partition, x.Topic)
			}
			return nil
		})
	}
	return g.Wait()
}

// inFlight is how many fetches there are at a time.
const inFlight = 16

// A Source reads some threads of a range by its index. A request of OTLP that
// holds other threads too is handed over whole, so who collects passes over the
// threads that were not asked for.
type Source struct {
	Log     Log
	Index   *Index
	Threads []string
}

var (
	_ threads.Source     = Source{}
	_ collect.WideSource = Source{}
)

// piece is a stretch of a partition that is fetched at once.
type piece struct {
	partition int
	offsets   []int64
}

// pieces are what is to be fetched, in the order of partitions and offsets.
func (s Source) pieces() []piece {
	wanted := map[int][]int64{}
	for _, id := range s.Threads {
		for _, at := range s.Index.threads[id] {
			wanted[at.Partition] = append(wanted[at.Partition], at.Offsets...)
		}
	}
	near := max(1, nearBytes/s.average())
	var all []piece
	for p := range len(s.Index.Ranges) {
		partition := s.Index.Ranges[p].Partition
		offsets := wanted[partition]
		slices.Sort(offsets)
		offsets = slices.Compact(offsets)
		from := 0
		for i := 1; i <= len(offsets); i++ {
			if i == len(offsets) || offsets[i]-offsets[i-1] > near {
				all = append(all, piece{partition, offsets[from:i]})
				from = i
			}
		}
	}
	return all
}

// average is about how many bytes a record has.
func (s Source) average() int64 { return s.Index.Bytes/max(1, s.Index.Records) + 64 }

// Read implements threads.Source.
func (s Source) Read(ctx context.Context, to threads.Sink) error {
	var mu sync.Mutex
	return s.each(ctx, inFlight, func(ctx context.Context, r *reading, p piece) error {
		return r.fetch(ctx, p, func(m threads.Message) error {
			mu.Lock()
			defer mu.Unlock()
			return to.Take(m)
		})
	})
}

// ReadWide implements collect.WideSource.
func (s Source) ReadWide(ctx context.Context, atOnce int, open func() (collect.Sink, func())) error {
	return s.each(ctx, atOnce, func(ctx context.Context, r *reading, p piece) error {
		to, done := open()
		defer done()
		return r.fetch(ctx, p, to.Take)
	})
}

// reading is what the pieces of a source have in common.
type reading struct {
	Source
	codec  *telemetry.Codec
	wanted map[string]bool
}

func (s Source) each(ctx context.Context, atOnce int, read func(context.Context, *reading, piece) error) error {
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return err
	}
	r := &reading{Source: s, codec: codec, wanted: map[string]bool{}}
	for _, id := range s.Threads {
		r.wanted[id] = true
		if s.Index.threads[id] == nil {
			return fmt.Errorf("read thread %q: the index of %s has none of this id", id, s.Index.Topic)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, atOnce))
	for _, p := range s.pieces() {
		g.Go(func() error { return read(gctx, r, p) })
	}
	return g.Wait()
}

// fetch hands over the records of a piece, each of which must be there and, if
// it is a frame, of a thread that was asked for.
func (s *reading) fetch(ctx context.Context, p piece, take func(threads.Message) error) error {
	stale := func(offset int64, what string) error {
		return fmt.Errorf("%w: offset %d of partition %d of %s: %s", ErrStale, offset, p.partition, s.Index.Topic, what)
	}
	var outline telemetry.Outline
	left := p.offsets
	for next := left[0]; len(left) > 0; {
		size := min(maxFetch, max(minFetch, (left[len(left)-1]-next+1)*s.average()))
		records, reached, err := s.Log.FetchOn(ctx, s.Index.Topic, p.partition, next, int(size))
		if errors.Is(err, traces.ErrGone) {
			return stale(next, "the log does not hold it any more")
		}
		if err != nil {
			return fmt.Errorf("read %s by its index: %w", s.Index.Topic, err)
		}
		for _, r := range records {
			if len(left) == 0 || r.Offset < left[0] {
				continue
			}
			if r.Offset > left[0] {
				return stale(left[0], "the log holds no record there any more: it is compacted, or was made again")
			}
			left = left[1:]
			if telemetry.IsFrame(r.Value) {
				if err := s.codec.Outline(r.Value, &outline); err != nil || !s.wanted[outline.Thread] {
					return stale(r.Offset, "it is another record than the index says: the topic was made again")
				}
			}
			if err := take(threads.Message{Place: threads.Place{Source: s.Index.Topic, Partition: p.partition, Offset: r.Offset}, Body: r.Value}); err != nil {
				return err
			}
		}
		if len(left) > 0 && (reached <= next || reached > left[0]) {
			return stale(left[0], "the log holds no record there any more")
		}
		next = max(reached, next)
	}
	return nil
}

// Since are the ranges of the topic behind those of the index: what came after
// it was made.
func (x *Index) Since(ctx context.Context, log Log) ([]collect.Range, error) {
	bounds, err := log.Bounds(ctx, x.Topic)
	if err != nil {
		return nil, fmt.Errorf("look what came since the index: %w", err)
	}
	all := []collect.Range{}
	for p, b := range bounds {
		from := b.First
		for _, r := range x.Ranges {
			if r.Partition == p {
				from = max(from, r.Until)
			}
		}
		if from < b.End {
			all = append(all, collect.Range{Partition: p, From: from, Until: b.End})
		}
	}
	return all, nil
}
