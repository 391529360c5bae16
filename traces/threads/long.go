package threads

import (
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// A Long makes a thread of frames that is too large to be held: it judges and
// counts every event and keeps the first ones alone. Its memory does not grow
// with the thread.
type Long struct {
	g      *Gathering
	hold   int
	thread Thread
	root   *Node
	judged framed
	last   telemetry.Event
	events int
	failed *convention.Failure
	worst  verdict
}

// Long begins a thread that keeps so many events. What its frames cannot tell is
// set aside in the gathering.
func (g *Gathering) Long(id string, hold int) *Long {
	return &Long{
		g: g, hold: hold, worst: verdict{state: Complete},
		thread: Thread{ID: id, From: "frames", Libraries: []string{"cohort"}},
		root:   &Node{Name: "thread", kind: convention.Agent, Kind: convention.Agent.String()},
	}
}

// Take adds a frame. They come in the order of their indices; one that comes
// again comes beside the first.
func (l *Long) Take(m Message) {
	e, err := l.g.codec.Decode(m.Body)
	if err != nil {
		l.g.Aside(m.Place, err)
		return
	}
	if l.events > 0 && e.Index == l.last.Index {
		l.judged.duplicates++
		if !l.judged.corrupt && !telemetry.Alike(l.last, e) {
			l.judged.corrupt, l.judged.differs = true, e.Index
		}
		return
	}
	if l.events == 0 {
		l.thread.Start = e.Time
	}
	l.events++
	l.last, l.thread.End = e, e.Time
	if s, ok := e.Body.(telemetry.Start); ok {
		l.thread.Task, l.thread.TaskFrom = s.Task, "start event"
	}
	n := eventNode(e)
	if n == nil {
		return
	}
	if _, ok := e.Body.(telemetry.Error); ok {
		l.failed = n.Failure
	}
	one := Thread{Roots: []*Node{n}}
	one.count()
	l.thread.Counts.add(one.Counts)
	if v := one.scores(); rank(v.state) > rank(l.worst.state) {
		l.worst = v
	}
	if len(l.root.Children) < l.hold {
		l.root.Children = append(l.root.Children, n)
	} else {
		l.thread.Omitted++
	}
}

// Thread is what came of the frames, and how many events there were. Without an
// event it is no thread.
func (l *Long) Thread() (t Thread, found bool) {
	if l.events == 0 {
		return Thread{}, false
	}
	t = l.thread
	t.Spans, t.Duplicates = l.events, l.judged.duplicates
	l.g.tally.Events += int64(l.events)
	l.g.tally.Duplicates += int64(l.judged.duplicates)
	l.root.Start, l.root.End = t.Start, t.End
	t.Roots = []*Node{l.root}
	v := l.judged.shape(l.events, l.last)
	if rank(l.worst.state) > rank(v.state) {
		v = l.worst
	}
	if v.state == Complete && l.failed != nil {
		v = verdict{Errored, "the agent failed", l.failed.String()}
	}
	t.State, t.Reason, t.Detail = v.state, v.reason, v.detail
	return t, true
}
