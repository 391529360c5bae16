package reward

import (
	"encoding/json"
	"fmt"

	"github.com/cohort-rl/cohort/telemetry"
)

// The types of what an expression reads and an HTTP reward is sent. Ids of
// threads and times are not among them: a reward is of what happened, and a
// rollout that runs again has others.
type (
	// Event is one event: its kind is start, decision, model_call, tool_call,
	// reward, error, state or end.
	Event struct {
		Kind       string            `cel:"kind" json:"kind"`
		Name       string            `cel:"name" json:"name"`
		Attributes map[string]string `cel:"attributes" json:"attributes,omitempty"`
	}
	// Decision is one choice of the policy.
	Decision struct {
		Name       string    `cel:"name" json:"name"`
		Chosen     int64     `cel:"chosen" json:"chosen"`
		Candidates int64     `cel:"candidates" json:"candidates"`
		LogProb    float64   `cel:"log_prob" json:"log_prob"`
		Features   []float64 `cel:"features" json:"features"` // of the candidate that was chosen
	}
	// ModelCall is one call of a language model.
	ModelCall struct {
		Name       string            `cel:"name" json:"name"`
		Model      string            `cel:"model" json:"model"`
		Output     string            `cel:"output" json:"output,omitempty"` // the attribute "output"
		Prompt     []int64           `cel:"prompt" json:"prompt,omitempty"`
		Response   []int64           `cel:"response" json:"response,omitempty"`
		Attributes map[string]string `cel:"attributes" json:"attributes,omitempty"`
	}
	// ToolCall is one call of a tool.
	ToolCall struct {
		Name       string            `cel:"name" json:"name"`
		Input      string            `cel:"input" json:"input"`
		Output     string            `cel:"output" json:"output"`
		Seconds    float64           `cel:"seconds" json:"seconds"`
		Attributes map[string]string `cel:"attributes" json:"attributes,omitempty"`
	}
	// Failure is an error inside the thread.
	Failure struct {
		Class   string `cel:"class" json:"class"`
		Message string `cel:"message" json:"message"`
		Node    string `cel:"node" json:"node,omitempty"`
	}
)

// Thread is a trace as rewards see it.
type Thread struct {
	// Answer is the last attribute "answer" of any event, or else what the last
	// model call said; Answered says that there is one.
	Answer     string             `json:"answer"`
	Answered   bool               `json:"answered"`
	Rewards    map[string]float64 `json:"rewards,omitempty"` // the last of each name
	Decisions  []Decision         `json:"decisions,omitempty"`
	ModelCalls []ModelCall        `json:"model_calls,omitempty"`
	ToolCalls  []ToolCall         `json:"tool_calls,omitempty"`
	Errors     []Failure          `json:"errors,omitempty"`
	Events     []Event            `json:"events"`
	Truncated  bool               `json:"truncated"`
}

// AnswerAttribute and OutputAttribute are the attributes of events that hold the
// thread's answer, and what a model said.
const (
	AnswerAttribute = "answer"
	OutputAttribute = "output"
)

// threadOf is a trace as rewards see it.
func threadOf(item Item) Thread {
	t := Thread{Rewards: map[string]float64{}}
	said, spoke := "", false
	for i := range item.Trace.Events {
		e := &item.Trace.Events[i]
		attributes := make(map[string]string, len(e.Attributes))
		for _, a := range e.Attributes {
			attributes[a.Key] = a.Value
		}
		if answer, ok := attributes[AnswerAttribute]; ok {
			t.Answer, t.Answered = answer, true
		}
		t.Events = append(t.Events, Event{Kind: t.take(e, attributes), Name: e.Name, Attributes: attributes})
		if _, is := e.Body.(telemetry.ModelCall); is {
			if output, ok := attributes[OutputAttribute]; ok {
				said, spoke = output, true
			}
		}
	}
	if !t.Answered && spoke {
		t.Answer, t.Answered = said, true
	}
	return t
}

// take adds an event to the list of its kind.
func (t *Thread) take(e *telemetry.Event, attributes map[string]string) (kind string) {
	switch b := e.Body.(type) {
	case telemetry.Start:
		return "start"
	case telemetry.Decision:
		d := Decision{Name: e.Name, Chosen: int64(b.Chosen), LogProb: float64(b.LogProb)}
		if w := int(b.Width); w > 0 {
			d.Candidates = int64(len(b.Features) / w)
			if from := int(b.Chosen) * w; from+w <= len(b.Features) {
				for _, v := range b.Features[from : from+w] {
					d.Features = append(d.Features, float64(v))
				}
			}
		}
		t.Decisions = append(t.Decisions, d)
		return "decision"
	case telemetry.ModelCall:
		t.ModelCalls = append(t.ModelCalls, ModelCall{
			Name: e.Name, Model: b.Model, Output: attributes[OutputAttribute], Prompt: wide(b.Prompt), Response: wide(b.Response), Attributes: attributes,
		})
		return "model_call"
	case telemetry.ToolCall:
		t.ToolCalls = append(t.ToolCalls, ToolCall{
			Name: b.Tool, Input: string(b.Input), Output: string(b.Output), Seconds: b.Duration.Seconds(), Attributes: attributes,
		})
		return "tool_call"
	case telemetry.Reward:
		t.Rewards[e.Name] = b.Value
		return "reward"
	case telemetry.Error:
		t.Errors = append(t.Errors, Failure{Class: b.Class, Message: b.Message, Node: b.Node})
		return "error"
	case telemetry.End:
		t.Truncated = b.Truncated
		return "end"
	}
	return "state"
}

func wide(ids []uint32) []int64 {
	var all []int64
	for _, id := range ids {
		all = append(all, int64(id))
	}
	return all
}

// taskOf is the task of an item: a JSON object, empty where there is none.
func taskOf(item Item) (map[string]any, error) {
	task := map[string]any{}
	if len(item.Task) == 0 {
		return task, nil
	}
	if err := json.Unmarshal(item.Task, &task); err != nil {
		return nil, fmt.Errorf("the task is no JSON object: %w", err)
	}
	return task, nil
}
