package threads

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// held is a span as it was first seen, and what came again.
type held struct {
	otlp.Span
	differs bool // Another span has its id.
}

// trace is what was seen of one trace.
type trace struct {
	id         otlp.TraceID
	spans      map[otlp.SpanID]*held
	logs       map[[32]byte]otlp.Log
	duplicates int
}

// add reports whether the span is new. One that has ended replaces one of the
// same id that had not; two that differ beyond that are kept apart by their
// digests, so that the order in which they came decides nothing.
func (t *trace) add(s otlp.Span) bool {
	h := t.spans[s.ID]
	if h == nil {
		t.spans[s.ID] = &held{Span: s}
		return true
	}
	t.duplicates++
	switch {
	case h.Digest == s.Digest:
	case h.End.IsZero() != s.End.IsZero():
		if h.End.IsZero() {
			h.Span = s
		}
	default:
		h.differs = true
		if bytes.Compare(s.Digest[:], h.Digest[:]) < 0 {
			h.Span = s
		}
	}
	return false
}

// told is a trace with its spans read and put under their parents.
type told struct {
	*trace
	// order has the spans from the root down, each before those below it, those
	// of one parent by their starts.
	order []*span
	roots []*span
	// lost are parents that were never seen, circle a span that is its own
	// ancestor.
	lost   []otlp.SpanID
	circle *span
}

type span struct {
	*held
	node     *Node
	reading  convention.Reading
	children []*span
}

// read reads every span together with its log records, and makes the tree.
func (t *trace) read(reader *convention.Reader) *told {
	logs := map[otlp.SpanID][]otlp.Log{}
	for _, l := range t.logs {
		logs[l.Span] = append(logs[l.Span], l) // Read puts them in order.
	}
	spans := make(map[otlp.SpanID]*span, len(t.spans))
	sorted := make([]*span, 0, len(t.spans))
	for id, h := range t.spans {
		spans[id] = &span{held: h}
		sorted = append(sorted, spans[id])
	}
	slices.SortFunc(sorted, func(a, b *span) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), slices.Compare(a.ID[:], b.ID[:]))
	})
	out := &told{trace: t}
	lost := map[otlp.SpanID]bool{}
	for _, s := range sorted {
		s.reading = reader.Read(s.Span, logs[s.ID])
		s.node = nodeOf(s)
		switch parent := spans[s.Parent]; {
		case s.Parent == (otlp.SpanID{}):
			out.roots = append(out.roots, s)
		case parent == nil:
			lost[s.Parent] = true
			out.roots = append(out.roots, s)
		default:
			parent.children = append(parent.children, s)
		}
	}
	out.lost = slices.SortedFunc(maps.Keys(lost), func(a, b otlp.SpanID) int { return slices.Compare(a[:], b[:]) })
	out.descend(sorted)
	return out
}

// descend orders the spans from the roots down. What no root leads to lies in a
// circle.
func (t *told) descend(sorted []*span) {
	seen := make(map[*span]bool, len(sorted))
	level := t.roots
	for len(level) > 0 {
		var next []*span
		for _, s := range level {
			seen[s] = true
			t.order = append(t.order, s)
			next = append(next, s.children...)
		}
		level = next
	}
	for _, s := range sorted {
		if !seen[s] && t.circle == nil {
			t.circle = s
		}
	}
}

func nodeOf(s *span) *Node {
	r := s.reading
	n := &Node{
		Span: s.ID.String(), Name: r.Name, Start: s.Start, End: s.End,
		Call: r.Call, Tool: r.Tool, Decision: r.Decision, Rewards: r.Rewards, Failure: r.Failure,
		kind: r.Kind, Kind: r.Kind.String(),
	}
	return n
}

// identify returns the first of these attributes that the trace has.
func (t *told) identify(names []string) (id, attribute string) {
	for i := range names {
		for _, s := range t.order {
			if id, attribute = convention.Identify(s.Span, names[i:i+1]); id != "" {
				return id, attribute
			}
		}
	}
	return "", ""
}

// last is when something was last seen of the trace.
func (t *told) last() time.Time {
	var last time.Time
	for _, s := range t.spans {
		for _, at := range []time.Time{s.Start, s.End} {
			if at.After(last) {
				last = at
			}
		}
	}
	for _, l := range t.logs {
		if l.Time.After(last) {
			last = l.Time
		}
	}
	return last
}
