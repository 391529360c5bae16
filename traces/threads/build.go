package threads

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// building is a thread whose traces are known.
type building struct {
	id, from string
	traces   []*told
}

// build makes the thread and judges it.
func (b *building) build(rules Rules) Thread {
	t := Thread{ID: b.id, From: b.from}
	slices.SortStableFunc(b.traces, func(x, y *told) int {
		return cmp.Or(x.start().Compare(y.start()), slices.Compare(x.id[:], y.id[:]))
	})
	libraries := map[string]bool{}
	for _, x := range b.traces {
		t.Traces = append(t.Traces, x.id.String())
		t.Spans += len(x.spans)
		t.Duplicates += x.duplicates
		t.Roots = append(t.Roots, x.merge()...)
		for _, s := range x.order {
			if s.Origin.Scope != "" {
				libraries[library(s)] = true
			}
			if t.Start.IsZero() || s.Start.Before(t.Start) {
				t.Start = s.Start
			}
		}
		if last := x.last(); last.After(t.End) {
			t.End = last
		}
		if t.Task == "" {
			t.Task, t.TaskFrom = x.identify(rules.Task)
		}
	}
	t.Libraries = slices.Sorted(maps.Keys(libraries))
	if t.Task == "" {
		t.Task = firstRequest(&t)
		if t.Task != "" {
			t.TaskFrom = "first user message"
		}
	}
	t.count()
	b.judge(&t, rules)
	return t
}

// start is when the first span of a trace started.
func (t *told) start() time.Time {
	var first time.Time
	for _, s := range t.order {
		if first.IsZero() || s.Start.Before(first) {
			first = s.Start
		}
	}
	return first
}

func library(s *span) string {
	if s.Origin.Version == "" {
		return s.Origin.Scope
	}
	return s.Origin.Scope + " " + s.Origin.Version
}

// calls are the model calls of a thread in the order of their starts.
func calls(t *Thread) []*Node {
	var all []*Node
	t.Walk(func(n *Node) {
		if n.Is(convention.Model) {
			all = append(all, n)
		}
	})
	slices.SortStableFunc(all, func(a, b *Node) int { return a.Start.Compare(b.Start) })
	return all
}

// firstRequest is the first message of a user in the first model call that has
// one.
func firstRequest(t *Thread) string {
	for _, n := range calls(t) {
		for _, m := range n.Call.Input {
			if m.Role == "user" && m.Text != "" {
				return m.Text
			}
		}
	}
	return ""
}
