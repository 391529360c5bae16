package collect

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/threads"
)

// A Range is a stretch of a partition, Until without.
type Range struct {
	Partition int   `json:"partition"`
	From      int64 `json:"from"`
	Until     int64 `json:"until"`
}

// A Topic is a range of each partition of a topic as a source. All partitions
// are read, side by side, each once; one that does not answer holds nobody up
// but itself. What the log has lost is named, and the reading goes on behind it.
type Topic struct {
	Log  traces.Log
	Name string
	// Ranges are what is read. Nil is what each partition holds when its reading
	// begins.
	Ranges []Range
}

// A Stepper is a log that says how far an answer reaches, so that offsets which
// hold no record, because of compaction or a transaction, are passed over.
type Stepper interface {
	// FetchOn is Fetch, and returns the offset to go on from: offset itself if
	// the log has nothing from there on.
	FetchOn(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (records []traces.Record, next int64, err error)
}

// A Divided is a log that can be asked for one partition, while another does
// not answer.
type Divided interface {
	// Partitions is how many partitions a topic has.
	Partitions(ctx context.Context, topic string) (int, error)
	// BoundsOf are the bounds of one.
	BoundsOf(ctx context.Context, topic string, partition int) (traces.Bounds, error)
}

var (
	_ threads.Source = Topic{}
	_ WideSource     = Topic{}
)

const (
	// fetchBytes is about how much of a partition is asked for at once.
	fetchBytes = 2 << 20
	// looks is how often a log is asked again for what it claims to hold.
	looks     = 6
	firstWait = 20 * time.Millisecond
	lastWait  = time.Second
)

// Read implements threads.Source: it hands over the records of all partitions,
// one at a time. It fails if something was not read.
func (t Topic) Read(ctx context.Context, to threads.Sink) error {
	one := &single{to: to}
	if err := t.ReadWide(ctx, 8, func() (Sink, func()) { return one, func() {} }); err != nil {
		return err
	}
	if len(one.unread) > 0 {
		return fmt.Errorf("read %s: %v", t.Name, one.unread[0])
	}
	return ctx.Err()
}

// single lets several hand over to one sink.
type single struct {
	mu     sync.Mutex // guards what follows
	to     threads.Sink
	unread []Unread
}

// Take implements threads.Sink.
func (s *single) Take(m threads.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Take(m)
}

// Aside implements threads.Sink.
func (s *single) Aside(at threads.Place, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to.Aside(at, reason)
}

// Unread implements Sink.
func (s *single) Unread(u Unread) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unread = append(s.unread, u)
}

// ReadWide implements WideSource.
func (t Topic) ReadWide(ctx context.Context, atOnce int, open func() (Sink, func())) error {
	ranges, err := t.ranges(ctx)
	if err != nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.Canceled) {
			return fmt.Errorf("read %s: %w", t.Name, err)
		}
		to, done := open()
		defer done()
		to.Unread(Unread{Source: t.Name, Partition: -1, From: -1, Until: -1, Reason: AfterDeadline, Detail: err.Error()})
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(atOnce, 1))
	for _, r := range ranges {
		g.Go(func() error {
			to, done := open()
			defer done()
			p := &stretch{Topic: t, to: to, Range: r}
			if err := p.read(gctx); err != nil {
				return fmt.Errorf("read %s, partition %d: %w", t.Name, r.Partition, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// ranges are what is read; bounds that are not known yet are -1.
func (t Topic) ranges(ctx context.Context) ([]Range, error) {
	if t.Ranges != nil {
		return t.Ranges, nil
	}
	if log, ok := t.Log.(Divided); ok {
		n, err := log.Partitions(ctx, t.Name)
		if err != nil {
			return nil, err
		}
		all := make([]Range, n)
		for p := range all {
			all[p] = Range{Partition: p, From: -1, Until: -1}
		}
		return all, nil
	}
	bounds, err := t.Log.Bounds(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	all := make([]Range, len(bounds))
	for p, b := range bounds {
		all[p] = Range{Partition: p, From: b.First, Until: b.End}
	}
	return all, nil
}

// boundsOf are those of one partition.
func (t Topic) boundsOf(ctx context.Context, partition int) (traces.Bounds, error) {
	if log, ok := t.Log.(Divided); ok {
		return log.BoundsOf(ctx, t.Name, partition)
	}
	all, err := t.Log.Bounds(ctx, t.Name)
	if err != nil {
		return traces.Bounds{}, err
	}
	if partition >= len(all) {
		return traces.Bounds{}, fmt.Errorf("%w: the topic has %d partitions", traces.ErrGone, len(all))
	}
	return all[partition], nil
}

// fetch asks the log once, and says from where to go on.
func (t Topic) fetch(ctx context.Context, partition int, offset int64, maxBytes int) ([]traces.Record, int64, error) {
	if log, ok := t.Log.(Stepper); ok {
		return log.FetchOn(ctx, t.Name, partition, offset, maxBytes)
	}
	records, err := t.Log.Fetch(ctx, t.Name, partition, offset, maxBytes)
	for len(records) > 0 && records[0].Offset < offset {
		records = records[1:]
	}
	next := offset
	if n := len(records); n > 0 {
		next = records[n-1].Offset + 1
	}
	return records, next, err
}

// stretch is a partition being read.
type stretch struct {
	Topic
	Range
	to   Sink
	next int64
	// first is the offset of the first record that was read, and what it was.
	first int64
	sum   uint32
	some  bool
}

// lost notes what is not read, up to an offset.
func (s *stretch) lost(until int64, reason string, detail error) {
	u := Unread{Source: s.Name, Partition: s.Partition, From: s.next, Until: until, Reason: reason}
	if detail != nil {
		u.Detail = detail.Error()
	}
	s.to.Unread(u)
}

// stopped says what an error makes of the rest: what is gone, what is too late,
// or an error that ends everything.
func (s *stretch) stopped(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, traces.ErrGone):
		s.lost(s.Until, GoneTopic, err)
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		s.lost(s.Until, AfterDeadline, err)
		return nil
	}
	return err
}

// read hands over what the partition holds of the range.
func (s *stretch) read(ctx context.Context) error {
	s.next = s.From
	if s.Until < 0 {
		b, err := s.boundsOf(ctx, s.Partition)
		if err != nil {
			return s.stopped(ctx, err)
		}
		s.From, s.Until, s.next = b.First, b.End, b.First
	}
	idle, wait := 0, firstWait
	for s.next < s.Until {
		records, next, err := s.fetch(ctx, s.Partition, s.next, fetchBytes)
		if errors.Is(err, traces.ErrGone) {
			if again, err := s.gone(ctx); err != nil || !again {
				return err
			}
			continue
		}
		if err != nil {
			return s.stopped(ctx, err)
		}
		if err := s.take(ctx, records); err != nil {
			return err
		}
		if next > s.next {
			s.next, idle, wait = next, 0, firstWait
			continue
		}
		if idle++; idle >= looks {
			s.lost(s.Until, Silent, nil)
			return nil
		}
		if err := pause(ctx, wait); err != nil {
			return s.stopped(ctx, err)
		}
		wait = min(2*wait, lastWait)
	}
	return s.verify(ctx)
}

func (s *stretch) take(ctx context.Context, records []traces.Record) error {
	if err := ctx.Err(); err != nil {
		return s.stopped(ctx, err)
	}
	for i := range records {
		r := &records[i]
		if r.Offset >= s.Until {
			break
		}
		if r.Offset < s.next {
			continue
		}
		if !s.some {
			s.some, s.first, s.sum = true, r.Offset, sumOf(r)
		}
		at := threads.Place{Source: s.Name, Partition: s.Partition, Offset: r.Offset}
		if err := s.to.Take(threads.Message{Place: at, Body: r.Value}); err != nil {
			return err
		}
	}
	return nil
}

// gone finds out what the log has lost, and says whether to go on.
func (s *stretch) gone(ctx context.Context) (again bool, err error) {
	b, err := s.boundsOf(ctx, s.Partition)
	switch {
	case err != nil:
		return false, s.stopped(ctx, err)
	case b.First > s.next:
		until := min(b.First, s.Until)
		s.lost(until, Deleted, fmt.Errorf("it begins at %d now", b.First))
		s.next = until
		return s.next < s.Until, nil
	case b.End <= s.next:
		s.lost(s.Until, Cut, fmt.Errorf("it ends at %d", b.End))
		return false, nil
	}
	return true, pause(ctx, firstWait) // It has changed since it was asked.
}

// verify looks whether what was read first is still there. If something else
// is, the topic was made again, and what was read comes from two.
func (s *stretch) verify(ctx context.Context) error {
	if !s.some {
		return nil
	}
	records, _, err := s.fetch(ctx, s.Partition, s.first, 1)
	if errors.Is(err, traces.ErrGone) {
		b, err := s.boundsOf(ctx, s.Partition)
		if err != nil {
			return s.stopped(ctx, err)
		}
		if b.First > s.first && b.End >= s.Until {
			return nil // Retention has taken it after it was read.
		}
	} else if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil // All was read in time.
		}
		return err
	} else if len(records) == 0 || records[0].Offset != s.first || sumOf(&records[0]) == s.sum {
		return nil // Or compaction has taken it.
	}
	s.next = s.From
	s.lost(s.Until, MadeAgain, fmt.Errorf("offset %d is another record than when the reading began", s.first))
	return nil
}

func sumOf(r *traces.Record) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(r.Key, table), table, r.Value)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
