package threads

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// framed is a thread that came in Cohort's frames: its events as they came,
// those that came again too.
type framed struct {
	events     []telemetry.Event
	differs    uint64
	corrupt    bool
	duplicates int
}

// frame adds a message that is a frame.
func (g *Gathering) frame(m Message) {
	e, err := g.codec.Decode(m.Body)
	if err != nil {
		g.Aside(m.Place, err)
		return
	}
	if e.Thread == "" {
		g.tally.Stray++
		return
	}
	f := g.frames[e.Thread]
	if f == nil {
		f = &framed{}
		g.frames[e.Thread] = f
	}
	f.events = append(f.events, e)
}

// sort puts the events in the order of their indices and keeps one of each. Of
// two that contradict each other it notes the index.
func (f *framed) sort() {
	byIndex := func(a, b telemetry.Event) int { return cmp.Compare(a.Index, b.Index) }
	if !slices.IsSortedFunc(f.events, byIndex) {
		slices.SortStableFunc(f.events, byIndex)
	}
	kept := 0
	for i := 1; i < len(f.events); i++ {
		if f.events[i].Index != f.events[kept].Index {
			kept++
			if kept < i {
				f.events[kept] = f.events[i]
			}
			continue
		}
		f.duplicates++
		if !f.corrupt && !telemetry.Alike(f.events[kept], f.events[i]) {
			f.corrupt, f.differs = true, f.events[i].Index
		}
	}
	clear(f.events[kept+1:])
	f.events = f.events[:kept+1]
}

// build makes the thread of its events, which are sorted.
func (f *framed) build(id string) Thread {
	t := Thread{ID: id, From: "frames", Duplicates: f.duplicates, Libraries: []string{"cohort"}}
	events := f.events
	t.Spans = len(events)
	t.Start, t.End = events[0].Time, events[len(events)-1].Time
	root := &Node{Name: "thread", Start: t.Start, End: t.End, kind: convention.Agent, Kind: convention.Agent.String()}
	var failed *convention.Failure
	for _, e := range events {
		if s, ok := e.Body.(telemetry.Start); ok {
			t.Task, t.TaskFrom = s.Task, "start event"
		}
		if n := eventNode(e); n != nil {
			root.Children = append(root.Children, n)
			if _, ok := e.Body.(telemetry.Error); ok {
				failed = n.Failure
			}
		}
	}
	t.Roots = []*Node{root}
	t.count()
	v := f.shape(len(events), events[len(events)-1])
	if s := t.scores(); rank(s.state) > rank(v.state) {
		v = s
	}
	if v.state == Complete && failed != nil {
		v = verdict{Errored, "the agent failed", failed.String()}
	}
	t.State, t.Reason, t.Detail = v.state, v.reason, v.detail
	return t
}

// shape judges the thread by indices and end.
func (f *framed) shape(events int, last telemetry.Event) verdict {
	end, ended := last.Body.(telemetry.End)
	switch {
	case f.corrupt:
		return verdict{Corrupt, "events contradict each other", fmt.Sprintf("two events have index %d", f.differs)}
	case !ended:
		return verdict{Open, "no end event yet", fmt.Sprintf("the last of %d events is no end", events)}
	case end.Events != last.Index+1:
		return verdict{Corrupt, "the end counts wrong", fmt.Sprintf("it counts %d events and is number %d", end.Events, last.Index)}
	case uint64(events) != end.Events: //nolint:gosec // it counts
		return verdict{Orphaned, "events are missing", fmt.Sprintf("%d of %d are there", events, end.Events)}
	}
	return verdict{state: Complete}
}

// eventNode is the node of an event, or nil for those that only bound a thread.
func eventNode(e telemetry.Event) *Node {
	n := &Node{Span: fmt.Sprint(e.Index), Name: e.Name, Start: e.Time, End: e.Time}
	kind := convention.Step
	switch b := e.Body.(type) {
	case telemetry.Decision:
		kind = convention.Choice
		p := float64(b.LogProb)
		n.Decision = &convention.Decision{Name: e.Name, Chosen: int64(b.Chosen), LogProb: &p, Policy: b.Policy, Width: int64(b.Width)}
		for _, f := range b.Features {
			n.Decision.Features = append(n.Decision.Features, float64(f))
		}
	case telemetry.ModelCall:
		kind = convention.Model
		in, out := int64(len(b.Prompt)), int64(len(b.Response))
		n.Call = &convention.Call{Model: b.Model, Policy: b.Policy, InputTokens: &in, OutputTokens: &out, Missing: []string{"messages"}}
		n.Call.Prompt, n.Call.Tokens = wide(b.Prompt), wide(b.Response)
		for _, p := range b.LogProbs {
			n.Call.LogProbs = append(n.Call.LogProbs, float64(p))
		}
		n.Name = b.Model
	case telemetry.ToolCall:
		n.Name, n.End = b.Tool, e.Time.Add(b.Duration)
		if e.Kind() == "tool_call" {
			kind = convention.Tool
			n.Tool = &convention.ToolCall{Name: b.Tool, Arguments: string(b.Input), Result: string(b.Output)}
		}
	case telemetry.Reward:
		n.Rewards = []convention.Reward{convention.NewReward(e.Name, b.Value, e.Time)}
		n.Name = "reward"
	case telemetry.Error:
		n.Failure = &convention.Failure{Class: b.Class, Message: b.Message}
		n.Name = cmp.Or(b.Node, e.Name)
	default:
		return nil
	}
	n.kind, n.Kind = kind, kind.String()
	return n
}

func wide(ids []uint32) []int64 {
	all := make([]int64, len(ids))
	for i, id := range ids {
		all[i] = int64(id)
	}
	return all
}
