package threads

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// maxNearest bounds how many failures below a node are held against its own.
const maxNearest = 64

// passed says of a failure whether it came up from below: the nearest failures
// there have its message, or it holds theirs. The children must know already.
func (n *Node) passed() {
	var nearest []*convention.Failure
	for _, c := range n.Children {
		room := maxNearest - len(nearest)
		nearest = append(nearest, c.failures[:min(room, len(c.failures))]...)
	}
	if n.Failure == nil {
		n.failures = nearest
		return
	}
	n.failures = []*convention.Failure{n.Failure}
	for _, f := range nearest {
		if f.Message == n.Failure.Message || (f.Message != "" && strings.Contains(n.Failure.Message, f.Message)) {
			n.Failure.Passed = true
		}
	}
}

// passedAside says of failures whether they came from a sibling: the same
// failure of one that ran within the time of this one. Some libraries put the
// inner call beside the outer one.
func passedAside(siblings []*span) {
	failed := slices.DeleteFunc(slices.Clone(siblings), func(s *span) bool { return s.node.Failure == nil })
	if len(failed) < 2 {
		return
	}
	// By their ends, the inner ones first: what started last so far and has
	// ended lies within all that started before it.
	slices.SortStableFunc(failed, func(a, b *span) int {
		return cmp.Or(a.End.Compare(b.End), b.Start.Compare(a.Start))
	})
	latest := map[string]time.Time{}
	for _, s := range failed {
		f := s.node.Failure
		key := f.String()
		inner, ok := latest[key]
		if ok && inner.After(s.Start) {
			f.Passed = true
		}
		if !ok || s.Start.After(inner) {
			latest[key] = s.Start
		}
	}
}
