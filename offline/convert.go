package offline

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
	"github.com/cohort-rl/cohort/traces/threads"
)

// NoBehaviour is why a thread is not used of which nobody knows how likely its
// decisions were: without that no correction is possible.
const NoBehaviour job.Reason = "no behaviour log-probability"

// NoTask is why a thread is in no group.
const NoTask job.Reason = "no task"

// AnyReward is the name of rewards that were recorded without one.
const AnyReward = "reward"

// traceOf is a thread as rewards read it: its nodes by their starts, then its
// rewards by their times, then its end.
func traceOf(t *threads.Thread) *traces.Trace {
	out := &traces.Trace{Thread: t.ID, Events: []telemetry.Event{{Name: "start", Body: telemetry.Start{Task: t.Task}}}}
	var nodes []*threads.Node
	t.Walk(func(n *threads.Node) { nodes = append(nodes, n) })
	slices.SortStableFunc(nodes, func(a, b *threads.Node) int { return a.Start.Compare(b.Start) })
	var rewards []convention.Reward
	for _, n := range nodes {
		rewards = append(rewards, n.Rewards...)
		if e, ok := eventOf(n); ok {
			out.Events = append(out.Events, e)
		}
		if n.Failure != nil {
			out.Events = append(out.Events, telemetry.Event{Name: n.Name, Body: telemetry.Error{Class: n.Failure.Class, Message: n.Failure.Message, Node: n.Name}})
		}
	}
	slices.SortStableFunc(rewards, func(a, b convention.Reward) int { return a.Time.Compare(b.Time) })
	for _, r := range rewards {
		out.Events = append(out.Events, telemetry.Event{Name: cmp.Or(r.Name, AnyReward), Body: telemetry.Reward{Value: r.Value}})
	}
	out.Events = append(out.Events, telemetry.Event{Name: "end", Body: telemetry.End{Events: uint64(len(out.Events) + 1)}})
	return out
}

// eventOf is what a node is, if it is a call or a decision.
func eventOf(n *threads.Node) (telemetry.Event, bool) {
	switch {
	case n.Call != nil:
		e := telemetry.Event{Name: n.Name, Body: telemetry.ModelCall{Model: n.Call.Model, Policy: n.Call.Policy, Prompt: ids(n.Call.Prompt), Response: ids(n.Call.Tokens)}}
		for _, m := range n.Call.Output {
			if m.Text != "" {
				e.Attributes = []telemetry.Attribute{{Key: reward.OutputAttribute, Value: m.Text}}
			}
		}
		return e, true
	case n.Tool != nil && !n.Tool.Asked:
		return telemetry.Event{Name: n.Name, Body: telemetry.ToolCall{
			Tool: n.Tool.Name, Input: []byte(n.Tool.Arguments), Output: []byte(n.Tool.Result), Duration: n.End.Sub(n.Start),
		}}, true
	case n.Decision != nil:
		d := telemetry.Decision{Policy: n.Decision.Policy, Width: clip(n.Decision.Width), Chosen: clip(n.Decision.Chosen), Features: narrow(n.Decision.Features)}
		if n.Decision.LogProb != nil {
			d.LogProb = float32(*n.Decision.LogProb)
		}
		return telemetry.Event{Name: cmp.Or(n.Decision.Name, n.Name), Body: d}, true
	}
	return telemetry.Event{}, false
}

func clip(v int64) uint32 { return uint32(min(max(v, 0), math.MaxInt32)) } //nolint:gosec // it is in bounds

func ids(all []int64) []uint32 {
	var out []uint32
	for _, v := range all {
		out = append(out, clip(v))
	}
	return out
}

func narrow(all []float64) []float32 {
	out := make([]float32, len(all))
	for i, v := range all {
		out[i] = float32(v)
	}
	return out
}

// decisionsOf are the decisions of a thread that a policy with width features can
// be trained on, by their starts, and under which policy they were made; or why
// there are none. Where the trace does not say how likely a decision was, before
// does, if there is one.
func decisionsOf(t *threads.Thread, width int, before policy.Policy) (all []Decision, made string, why job.Reason, detail string) {
	var nodes []*threads.Node
	t.Walk(func(n *threads.Node) {
		if n.Decision != nil {
			nodes = append(nodes, n)
		}
	})
	slices.SortStableFunc(nodes, func(a, b *threads.Node) int { return a.Start.Compare(b.Start) })
	if len(nodes) == 0 {
		return nil, "", job.NoDecision, "nothing in it has cohort.decision.chosen"
	}
	for i, n := range nodes {
		d := Decision{Chosen: int32(clip(n.Decision.Chosen)), Features: narrow(n.Decision.Features)} //nolint:gosec // clip bounds it
		made = cmp.Or(made, n.Decision.Policy)
		choices := policy.Choices{Width: width, Features: d.Features, Offsets: []int{0, len(d.Features) / max(width, 1)}, Chosen: []int32{d.Chosen}}
		if n.Decision.Width != int64(width) || len(d.Features) == 0 || n.Decision.Chosen < 0 {
			return nil, "", job.CorruptTrace, fmt.Sprintf("decision %d has %d features a candidate, the policy has %d", i, n.Decision.Width, width)
		}
		if err := choices.Validate(policy.Shape{Kind: policy.Linear, Features: width}); err != nil {
			return nil, "", job.CorruptTrace, fmt.Sprintf("decision %d: %v", i, err)
		}
		switch p := n.Decision.LogProb; {
		case p != nil && (math.IsNaN(*p) || math.IsInf(*p, 0) || *p > 0):
			return nil, "", job.CorruptTrace, fmt.Sprintf("decision %d has the log-probability %v", i, *p)
		case p != nil:
			d.LogProb = float32(*p)
		case before == nil:
			return nil, "", NoBehaviour, fmt.Sprintf("decision %d has no cohort.decision.log_prob", i)
		default:
			var a policy.Activations
			before.Forward(&a, choices)
			d.LogProb = a.LogProb[0]
		}
		all = append(all, d)
	}
	return all, made, "", ""
}

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
