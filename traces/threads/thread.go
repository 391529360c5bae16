package threads

import (
	"time"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// A State is what can be said about a thread.
type State string

// The states, from the worst. A thread of several traces is in the worst state
// of any.
const (
	// Corrupt is what contradicts itself: two spans of one id that differ,
	// parents that go in a circle, a reward that is no number.
	Corrupt State = "corrupt"
	// Orphaned is a trace that has ended and lacks spans: a parent was never
	// seen.
	Orphaned State = "orphaned"
	// Open is a trace whose root has not come or not ended, or a thread that was
	// not quiet for long enough.
	Open State = "open"
	// Errored is a whole thread whose agent failed: a root ended in an error, or
	// the last model call did.
	Errored State = "errored"
	// Complete is a whole thread: every root has ended, every parent is there.
	Complete State = "complete"
)

// States are all states, the best first.
func States() []State { return []State{Complete, Errored, Open, Orphaned, Corrupt} }

// A Thread is what an agent did for one task.
type Thread struct {
	ID string `json:"thread"`
	// From is the attribute that gave the id, or "trace id".
	From string `json:"thread_from"`
	// Task is what the agent was asked, by which threads make groups; it is empty
	// if nobody said. TaskFrom is the attribute that has it.
	Task     string `json:"task,omitempty"`
	TaskFrom string `json:"task_from,omitempty"`
	State    State  `json:"state"`
	// Reason is why it is not complete, in a few fixed words; Detail names what is
	// concerned.
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
	// Note says what is remarkable about a complete thread.
	Note       string    `json:"note,omitempty"`
	Traces     []string  `json:"traces,omitempty"`
	Start      time.Time `json:"start,omitzero"`
	End        time.Time `json:"end,omitzero"`
	Libraries  []string  `json:"libraries,omitempty"`
	Spans      int       `json:"spans"`
	Duplicates int       `json:"duplicates,omitempty"`
	Counts
	// Omitted is how many of the spans are counted and not among the Roots: the
	// thread is too large to be held whole, and is no use for training.
	Omitted int     `json:"omitted,omitempty"`
	Roots   []*Node `json:"roots,omitempty"`
}

// Counts are what a thread, or all of them, hold.
type Counts struct {
	ModelCalls int `json:"model_calls"`
	// ToolCalls were done; ToolRequests are what answers of models ask for, done
	// or not.
	ToolCalls    int `json:"tool_calls"`
	ToolRequests int `json:"tool_calls_requested"`
	Decisions    int `json:"decisions"`
	// Errors counts spans that failed, Failures only those that did not merely
	// pass an error up.
	Errors   int `json:"errors"`
	Failures int `json:"failures"`
	Rewards  int `json:"rewards"`
	// What model calls have that can be trained from.
	WithMessages int `json:"model_calls_with_messages"`
	WithPrompt   int `json:"model_calls_with_prompt_token_ids"`
	WithTokens   int `json:"model_calls_with_token_ids"`
	WithLogProbs int `json:"model_calls_with_logprobs"`
}

func (c *Counts) add(d Counts) {
	c.ModelCalls += d.ModelCalls
	c.ToolCalls += d.ToolCalls
	c.ToolRequests += d.ToolRequests
	c.Decisions += d.Decisions
	c.Errors += d.Errors
	c.Failures += d.Failures
	c.Rewards += d.Rewards
	c.WithMessages += d.WithMessages
	c.WithPrompt += d.WithPrompt
	c.WithTokens += d.WithTokens
	c.WithLogProbs += d.WithLogProbs
}

// A Node is one span of a thread, or one event of a frame, and what lies below
// it.
type Node struct {
	Span     string               `json:"span,omitempty"`
	Kind     string               `json:"kind"`
	Name     string               `json:"name"`
	Start    time.Time            `json:"start,omitzero"`
	End      time.Time            `json:"end,omitzero"`
	Call     *convention.Call     `json:"model_call,omitempty"`
	Tool     *convention.ToolCall `json:"tool_call,omitempty"`
	Decision *convention.Decision `json:"decision,omitempty"`
	Rewards  []convention.Reward  `json:"rewards,omitempty"`
	Failure  *convention.Failure  `json:"error,omitempty"`
	Children []*Node              `json:"children,omitempty"`

	kind convention.Kind
	// failures are the nearest failures at or below the node, some of them.
	failures []*convention.Failure
}

// Is reports whether the node is of a kind.
func (n *Node) Is(kind convention.Kind) bool { return n.kind == kind }

// set makes the node one of a kind.
func (n *Node) set(kind convention.Kind) {
	n.kind, n.Kind = kind, kind.String()
	if kind != convention.Model {
		n.Call = nil
	}
	if kind != convention.Tool {
		n.Tool = nil
	}
}

// Walk visits the nodes of the thread, each before those below it.
func (t *Thread) Walk(visit func(*Node)) {
	for _, n := range t.Roots {
		n.walk(visit)
	}
}

func (n *Node) walk(visit func(*Node)) {
	visit(n)
	for _, c := range n.Children {
		c.walk(visit)
	}
}

// count fills in the counts from the nodes.
func (t *Thread) count() {
	t.Counts = Counts{}
	t.Walk(func(n *Node) {
		switch n.kind { //nolint:exhaustive // the others are not counted
		case convention.Model:
			t.ModelCalls++
			for _, m := range n.Call.Output {
				t.ToolRequests += len(m.Calls)
			}
			t.WithMessages += one(len(n.Call.Input) > 0 && len(n.Call.Output) > 0)
			t.WithPrompt += one(len(n.Call.Prompt) > 0)
			t.WithTokens += one(len(n.Call.Tokens) > 0)
			t.WithLogProbs += one(len(n.Call.LogProbs) > 0)
		case convention.Tool:
			t.ToolCalls += one(!n.Tool.Asked)
		case convention.Choice:
			t.Decisions++
		}
		if n.Failure != nil {
			t.Errors++
			t.Failures += one(!n.Failure.Passed)
		}
		for _, r := range n.Rewards {
			t.Rewards += one(r.Fault == "")
		}
	})
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
