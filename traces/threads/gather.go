package threads

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// Rules say how threads are told apart and when they are over.
type Rules struct {
	// Thread and Task are the attributes of spans and resources that name the
	// thread and the task, the first that a trace has; of several spans that have
	// it, the one nearest to the root counts. A trace that names no thread is one
	// of its own; a task that nobody names is the first message of a user.
	Thread, Task []string
	// Quiet is how long ago the last span of a thread must have ended.
	Quiet time.Duration
	// Now is the time. From Deadline on, if it is set, nothing is waited for.
	Now, Deadline time.Time
	Limits        otlp.Limits
}

// DefaultRules take every attribute that a convention has for a thread or a
// task, and wait for nothing.
func DefaultRules(now time.Time) Rules {
	all := convention.All()
	return Rules{
		Thread: convention.Attributes(all, convention.Thread), Task: convention.Attributes(all, convention.Task),
		Now: now, Limits: otlp.DefaultLimits(),
	}
}

// maxAside is how many messages that are set aside are named; all are counted.
const maxAside = 1000

// An Aside is a message, or a part of one, that cannot be read.
type Aside struct {
	Place
	Reason string `json:"reason"`
}

// A Tally counts what was read.
type Tally struct {
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"`
	// Spans, Records and Events are those that were there, each once.
	Spans   int64 `json:"spans"`
	Records int64 `json:"log_records"`
	Events  int64 `json:"frames"`
	// Duplicates are spans, log records and frames that came again.
	Duplicates int64 `json:"duplicates"`
	// Stray are log records that belong to no trace, and frames to no thread.
	Stray    int64   `json:"stray"`
	SetAside int64   `json:"set_aside"`
	Aside    []Aside `json:"aside,omitempty"`
}

// A Gathering collects messages. It is not safe for concurrent use.
type Gathering struct {
	rules  Rules
	reader *convention.Reader
	codec  *telemetry.Codec
	traces map[otlp.TraceID]*trace
	frames map[string]*framed
	stray  map[[32]byte]bool
	tally  Tally
}

// NewGathering makes an empty one.
func NewGathering(rules Rules) (*Gathering, error) {
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return nil, err
	}
	return &Gathering{
		rules: rules, reader: convention.NewReader(convention.All()), codec: codec,
		traces: map[otlp.TraceID]*trace{}, frames: map[string]*framed{}, stray: map[[32]byte]bool{},
	}, nil
}

// Take adds a message. What cannot be read is set aside, and is no error.
func (g *Gathering) Take(m Message) error {
	g.tally.Messages++
	g.tally.Bytes += int64(len(m.Body))
	if telemetry.IsFrame(m.Body) {
		g.frame(m)
		return nil
	}
	request, err := otlp.Decode(m.Body, g.rules.Limits)
	if err != nil {
		g.Aside(m.Place, err)
		return nil
	}
	for _, err := range request.Refused {
		g.Aside(m.Place, err)
	}
	for i := range request.Spans {
		g.span(&request.Spans[i])
	}
	for i := range request.Logs {
		g.log(&request.Logs[i])
	}
	return nil
}

// maxReason bounds the bytes of a reason.
const maxReason = 300

// Aside counts what cannot be read.
func (g *Gathering) Aside(at Place, reason error) {
	g.tally.SetAside++
	if len(g.tally.Aside) >= maxAside {
		return
	}
	text := strings.ReplaceAll(reason.Error(), "\u00a0", " ") // protobuf's errors have it at random
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "")
	}
	g.tally.Aside = append(g.tally.Aside, Aside{at, text})
}

func (g *Gathering) trace(id otlp.TraceID) *trace {
	t := g.traces[id]
	if t == nil {
		t = &trace{id: id, spans: map[otlp.SpanID]*held{}, logs: map[[32]byte]otlp.Log{}}
		g.traces[id] = t
	}
	return t
}

func (g *Gathering) span(s *otlp.Span) {
	if g.trace(s.Trace).add(*s) {
		g.tally.Spans++
	} else {
		g.tally.Duplicates++
	}
}

func (g *Gathering) log(l *otlp.Log) {
	g.tally.Records++
	var seen bool
	if l.Trace == (otlp.TraceID{}) {
		seen = g.stray[l.Digest]
		g.stray[l.Digest] = true
		g.tally.Stray += int64(one(!seen))
	} else {
		t := g.trace(l.Trace)
		_, seen = t.logs[l.Digest]
		t.logs[l.Digest] = *l
	}
	if seen {
		g.tally.Records--
		g.tally.Duplicates++
	}
}

// errNothing says that a reading found no message that could be read.
var errNothing = errors.New("nothing in it can be read")

// Threads makes the threads of all that was taken, in the order of their starts
// and, of equal ones, ids. It fails only if messages were there and none could
// be read.
func (g *Gathering) Threads() ([]Thread, Tally, error) {
	byID := map[string]*building{}
	ids := slices.SortedFunc(maps.Keys(g.traces), func(a, b otlp.TraceID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range ids {
		t := g.traces[id].read(g.reader)
		name, from := t.identify(g.rules.Thread)
		if name == "" {
			name, from = id.String(), "trace id"
		}
		b := byID[name]
		if b == nil {
			b = &building{id: name, from: from}
			byID[name] = b
		}
		b.traces = append(b.traces, t)
	}
	all := make([]Thread, 0, len(byID)+len(g.frames))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		all = append(all, byID[id].build(g.rules))
	}
	tally := g.tally
	for _, id := range slices.Sorted(maps.Keys(g.frames)) {
		f := g.frames[id]
		f.sort()
		tally.Events += int64(len(f.events))
		tally.Duplicates += int64(f.duplicates)
		all = append(all, f.build(id))
	}
	slices.SortStableFunc(all, func(a, b Thread) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(tally.Aside, func(a, b Aside) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	if len(all) == 0 && g.tally.SetAside > 0 {
		first := tally.Aside[0]
		return nil, tally, fmt.Errorf("%w: %v: %s", errNothing, first.Place, first.Reason)
	}
	return all, tally, nil
}
