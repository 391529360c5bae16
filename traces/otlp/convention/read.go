package convention

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/traces/otlp"
)

// Read says what a span means. logs are the log records that name it.
func (r *Reader) Read(span otlp.Span, logs []otlp.Log) Reading {
	events := r.gather(span, logs)
	a := events.attributes
	out := Reading{Kind: r.kind(a)}
	switch out.Kind {
	case Model:
		out.Call = r.call(a, events)
		out.Name = out.Call.Model
	case Tool, Request, Operation:
		out.Tool = r.tool(a, out.Kind)
		out.Name = out.Tool.Name
	case Choice:
		out.Decision = r.decision(a)
		out.Name = out.Decision.Name
	case Step, Agent:
		out.Name = r.text(a, Name, out.Kind)
	}
	if out.Name == "" {
		out.Name = span.Name
	}
	out.Rewards = append(r.rewards(a, span.End), events.rewards...)
	out.Failure = r.failure(span, a)
	if out.Call != nil {
		if out.Failure != nil { // Some record an empty answer where there was none.
			out.Call.Output = slices.DeleteFunc(out.Call.Output, Message.empty)
		}
		out.Call.judge()
	}
	return out
}

func (r *Reader) call(a otlp.Attributes, e gathered) *Call {
	c := &Call{
		Model: r.text(a, ModelName, Model), Provider: r.text(a, Provider, Model), ResponseID: r.text(a, ResponseID, Model),
		Policy: r.text(a, Policy, Model), Finish: r.text(a, Finish, Model),
		InputTokens: counted(r.find(a, InputTokens, Model)), OutputTokens: counted(r.find(a, OutputTokens, Model)),
	}
	c.Input = messagesOf(r.find(a, Input, Model), "user")
	if system := r.find(a, System, Model); system != nil && (len(c.Input) == 0 || c.Input[0].Role != "system") {
		m := Message{Role: "system"}
		m.add(structure(system))
		c.Input = append([]Message{m}, c.Input...)
	}
	c.Output = messagesOf(r.find(a, Output, Model), "assistant")
	if len(c.Input) == 0 {
		c.Input = e.input
	}
	if len(c.Output) == 0 {
		c.Output = e.output
	}
	for _, m := range c.Output {
		if c.Finish == "" {
			c.Finish = m.finish
		}
	}
	c.setIDs(&c.Prompt, "prompt token ids", r.find(a, PromptIDs, Model))
	c.setIDs(&c.Tokens, "response token ids", r.find(a, ResponseIDs, Model))
	c.setLogProbs(r.find(a, LogProbs, Model))
	for _, row := range r.rows[Response] {
		if v := row.read(a, Model); v != nil {
			c.respond(v)
		}
	}
	return c
}

func (r *Reader) tool(a otlp.Attributes, kind Kind) *ToolCall {
	return &ToolCall{
		Name: strings.TrimSpace(r.text(a, ToolName, kind)), ID: r.text(a, ToolID, kind),
		Arguments: r.text(a, Arguments, kind), Result: result(r.find(a, Result, kind)), Asked: kind == Request,
	}
}

// result is what a tool returned as a text: without the message that LangChain
// puts around it, and without the quotes that JSON has.
func result(v any) string {
	if tree, ok := structure(v).(map[string]any); ok && (tree["data"] != nil || tree["kwargs"] != nil || tree["tool_call_id"] != nil) {
		if m, ok := messageOf(tree, "tool", maxNesting); ok && len(m.Results) == 1 {
			return m.Results[0].Text
		}
	}
	t := text(v)
	if unquoted := ""; strings.HasPrefix(t, `"`) && json.Unmarshal([]byte(t), &unquoted) == nil {
		return unquoted
	}
	return t
}

func (r *Reader) decision(a otlp.Attributes) *Decision {
	d := &Decision{Name: r.text(a, DecisionName, Choice), Policy: r.text(a, Policy, Choice), Chosen: -1}
	if n, ok := count(r.find(a, Chosen, Choice)); ok {
		d.Chosen = n
	}
	if p, ok := number(r.find(a, DecisionLogProb, Choice)); ok && p <= 0 && !math.IsInf(p, 0) {
		d.LogProb = &p
	}
	if n, ok := count(r.find(a, Width, Choice)); ok {
		d.Width = n
	}
	if list, ok := r.find(a, Features, Choice).([]any); ok {
		for _, item := range list {
			f, ok := number(item)
			if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
				d.Features = nil
				break
			}
			d.Features = append(d.Features, f)
		}
	}
	return d
}

// failure is how a span failed: its status is an error, or it names the class
// of one.
func (r *Reader) failure(span otlp.Span, a otlp.Attributes) *Failure {
	class := r.text(a, ErrorType, Step)
	if !span.Failed && class == "" {
		return nil
	}
	f := &Failure{Class: class, Message: span.Message}
	for _, e := range span.Events {
		if e.Name != "exception" {
			continue
		}
		// The exception's own message is without its class and its stack.
		f.Class = cmp.Or(text(e.Attributes["exception.type"]), f.Class)
		f.Message = cmp.Or(text(e.Attributes["exception.message"]), f.Message)
	}
	if f.Class == "" {
		if class, rest, ok := strings.Cut(f.Message, ": "); ok && !strings.ContainsAny(class, " \t\n") {
			f.Class, f.Message = class, rest
		}
	}
	return f
}

// gathered is a span with what its events and log records say.
type gathered struct {
	attributes    otlp.Attributes
	input, output []Message
	rewards       []Reward
}

// gather goes through the events of a span and its log records in the order of
// their times.
func (r *Reader) gather(span otlp.Span, logs []otlp.Log) gathered {
	g := gathered{attributes: span.Attributes}
	for _, e := range span.Events {
		r.event(&g, e.Name, e.Attributes, nil, e)
	}
	logs = slices.Clone(logs)
	slices.SortStableFunc(logs, func(a, b otlp.Log) int {
		return cmp.Or(a.Time.Compare(b.Time), slices.Compare(a.Digest[:], b.Digest[:]))
	})
	for _, l := range logs {
		r.event(&g, l.Name, l.Attributes, l.Body, otlp.Event{Time: l.Time})
	}
	// Some keep the events in an attribute, as a list.
	if list, ok := r.find(span.Attributes, Events, Step).([]any); ok {
		for _, item := range list {
			if body, ok := item.(map[string]any); ok {
				r.event(&g, text(body["event.name"]), nil, body, otlp.Event{})
			}
		}
	}
	return g
}

func (r *Reader) event(g *gathered, name string, attributes otlp.Attributes, body any, at otlp.Event) {
	row, ok := r.events[name]
	if !ok {
		return
	}
	said := eventBody(attributes, body)
	switch row.Field {
	case Input:
		g.input = append(g.input, messagesOf(said, row.Role)...)
	case Output:
		g.output = append(g.output, messagesOf(said, row.Role)...)
	case Response: // The event has what else the span has.
		g.attributes = maps.Clone(g.attributes)
		if g.attributes == nil {
			g.attributes = otlp.Attributes{}
		}
		maps.Copy(g.attributes, attributes)
		if tree, ok := structure(body).(map[string]any); ok {
			maps.Copy(g.attributes, tree)
		}
	case Score:
		all := maps.Clone(attributes)
		if tree, ok := structure(body).(map[string]any); ok {
			if all == nil {
				all = otlp.Attributes{}
			}
			maps.Copy(all, tree)
		}
		g.rewards = append(g.rewards, r.rewards(all, at.Time)...)
	default:
	}
}

// eventBody is what an event of a message says: its body, an attribute that has
// it, or the attributes themselves.
func eventBody(attributes otlp.Attributes, body any) any {
	if body != nil && body != "" {
		return structure(body)
	}
	for _, name := range []string{"gen_ai.event.content", "gen_ai.prompt", "gen_ai.completion", "body", "content_json"} {
		if v := attributes[name]; v != nil {
			return structure(v)
		}
	}
	tree := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		tree[strings.TrimPrefix(name, "gen_ai.")] = structure(attributes[name])
	}
	return tree
}
