package collect

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/threads"
)

// A Sink takes what a source finds, and what it could not read.
type Sink interface {
	threads.Sink
	// Unread takes a stretch that was to be read and was not.
	Unread(u Unread)
}

// Unread is a stretch of a source that was to be read and was not.
type Unread struct {
	Source string `json:"source"`
	// Partition is -1 where there are none.
	Partition int `json:"partition"`
	// From and Until are offsets, until without; -1 where they are not known.
	From  int64 `json:"from"`
	Until int64 `json:"until"`
	// Reason says why, Detail what was seen.
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

// String is the stretch for people.
func (u Unread) String() string {
	where := u.Source
	if u.Partition >= 0 {
		where = fmt.Sprintf("%s, partition %d, ", u.Source, u.Partition)
		if u.From < 0 {
			where += "all of it"
		} else {
			where += fmt.Sprintf("offsets %d to %d", u.From, u.Until-1)
		}
	}
	if u.Detail == "" {
		return where + ": " + u.Reason
	}
	return where + ": " + u.Reason + ": " + u.Detail
}

// A WideSource is read side by side. It calls read for each part of it, and
// hands over what that holds to a sink of its own.
type WideSource interface {
	// ReadWide returns when all has been read. At most atOnce parts are read at a
	// time. It asks open for a sink for each part and calls done at its end.
	ReadWide(ctx context.Context, atOnce int, open func() (to Sink, done func())) error
}

// Kinds of keys. What lies in frames comes last, so that it can be handed over
// while it is merged.
const (
	strayKind = '0' // a log record without a trace, by its digest
	traceKind = '1' // what there is of a trace
	frameKind = '2' // what there is of a thread of frames
)

// reading is what one goroutine reads.
type reading struct {
	c       *Collection
	lane    *lane
	outline telemetry.Outline
	aside   *threads.Gathering
	tally   threads.Tally
	unread  []Unread

	name   string // of the source that came last, and its number
	source int32
	key    []byte
	frame  string // the key of the frame that came last
}

func (c *Collection) reading() (*reading, error) {
	aside, err := threads.NewGathering(c.options.Rules)
	if err != nil {
		return nil, err
	}
	return &reading{c: c, lane: c.pass.lane(), aside: aside, source: -1}, nil
}

// Take implements threads.Sink.
func (r *reading) Take(m threads.Message) error {
	r.tally.Messages++
	r.tally.Bytes += int64(len(m.Body))
	e := entry{source: r.number(m.Source), partition: int32(m.Partition), offset: m.Offset, body: m.Body} //nolint:gosec // partitions are few
	if telemetry.IsFrame(m.Body) {
		return r.event(m, e)
	}
	pieces, refused, err := otlp.Split(m.Body, r.c.options.Rules.Limits)
	if err != nil {
		r.Aside(m.Place, err)
		return nil
	}
	for _, err := range refused {
		r.Aside(m.Place, err)
	}
	for i := range pieces {
		p := &pieces[i]
		if p.Trace == (otlp.TraceID{}) {
			r.key = append(append(r.key[:0], strayKind), p.Record[:]...)
		} else {
			r.key = append(append(r.key[:0], traceKind), p.Trace[:]...)
		}
		e.body = p.Body
		if err := r.lane.add(string(r.key), e); err != nil {
			return err
		}
	}
	return nil
}

// event takes a frame.
func (r *reading) event(m threads.Message, e entry) error {
	before := r.outline.Thread
	if err := r.c.codec.Outline(m.Body, &r.outline); err != nil {
		r.Aside(m.Place, err)
		return nil
	}
	if r.outline.Thread == "" {
		r.tally.Stray++
		return nil
	}
	if r.frame == "" || before != r.outline.Thread {
		r.frame = string(append(append(r.key[:0], frameKind), r.outline.Thread...))
	}
	e.order = r.outline.Index
	return r.lane.add(r.frame, e)
}

// number is that of a source.
func (r *reading) number(name string) int32 {
	if r.source < 0 || r.name != name {
		r.name, r.source = name, r.c.number(name)
	}
	return r.source
}

// Aside implements threads.Sink.
func (r *reading) Aside(at threads.Place, reason error) { r.aside.Aside(at, reason) }

// Unread implements Sink.
func (r *reading) Unread(u Unread) { r.unread = append(r.unread, u) }

// done hands over what was read and counted.
func (r *reading) done() {
	r.lane.done()
	_, aside, _ := r.aside.Threads() // It holds no thread, which is the error.
	r.tally.Add(aside)
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.report.Tally.Add(r.tally)
	r.c.report.Unread = append(r.c.report.Unread, r.unread...)
}

// Read reads a source into the collection, a [WideSource] side by side; several
// are read one after another. When the deadline of ctx passes, what was not read
// is in the report, and that is no error. It may not be called after Threads.
func (c *Collection) Read(ctx context.Context, source threads.Source) error {
	if wide, ok := source.(WideSource); ok {
		return late(ctx, wide.ReadWide(ctx, c.options.AtOnce, func() (Sink, func()) {
			r := c.readings.take()
			return r, func() { c.readings.give(r) }
		}))
	}
	r := c.readings.take()
	defer c.readings.give(r)
	err := source.Read(ctx, r)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		r.Unread(Unread{Source: fmt.Sprint("the source after ", r.name), Partition: -1, From: -1, Until: -1, Reason: AfterDeadline, Detail: err.Error()})
		return nil
	}
	return err
}

// late makes nothing of an error that comes from a deadline.
func late(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
