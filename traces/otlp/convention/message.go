package convention

import (
	"strings"
)

// A Message is one message of a conversation with a model.
type Message struct {
	// Role is system, user, assistant or tool, where the library uses these.
	Role string `json:"role"`
	Text string `json:"text,omitempty"`
	// Reasoning is what a model thought before it answered.
	Reasoning string `json:"reasoning,omitempty"`
	// Calls are the tool calls that the message asks for, Results what such
	// calls returned.
	Calls   []ToolRequest `json:"tool_calls,omitempty"`
	Results []ToolResult  `json:"tool_results,omitempty"`
	// finish is why the message ended, if it says so itself.
	finish string
}

// empty reports whether a message says nothing.
func (m Message) empty() bool {
	return m.Text == "" && m.Reasoning == "" && len(m.Calls) == 0 && len(m.Results) == 0
}

// A ToolRequest is a tool call that a model asks for.
type ToolRequest struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name"`
	Arguments string `json:"arguments,omitempty"`
}

// A ToolResult is what a tool returned, as the model is told.
type ToolResult struct {
	ID   string `json:"id,omitempty"`
	Text string `json:"text,omitempty"`
}

// maxNesting bounds how deep wrappers around messages are opened.
const maxNesting = 8

// messagesOf reads messages in any of the shapes that libraries give them: a
// text, a message, a list of either, or an object that holds them. role is
// whose they are if they do not say.
func messagesOf(v any, role string) []Message {
	return appendMessages(nil, structure(v), role, maxNesting)
}

func appendMessages(to []Message, v any, role string, depth int) []Message {
	if depth == 0 {
		return to
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			to = appendMessages(to, item, role, depth-1)
		}
		return to
	case map[string]any:
		for _, holder := range []string{"messages", "prompts", "input", "inputs", "choices", "generations", "candidates"} {
			switch inner := v[holder].(type) {
			case []any, map[string]any:
				if _, own := v["role"]; !own && v["type"] == nil {
					if s := v["system"]; s != nil && holder == "messages" {
						to = appendMessages(to, s, "system", depth-1)
					}
					return appendMessages(to, inner, role, depth-1)
				}
			}
		}
		if m, ok := messageOf(v, role, depth); ok {
			return append(to, m)
		}
		return to
	case nil:
		return to
	}
	if t := text(v); t != "" {
		return append(to, Message{Role: role, Text: t})
	}
	return to
}

// messageOf reads one message. Wrappers (message, and what LangChain puts
// around one) are opened.
func messageOf(v map[string]any, role string, depth int) (Message, bool) {
	finish := text(first(v, "finish_reason", "finishReason"))
	if info, ok := v["generation_info"].(map[string]any); ok && finish == "" {
		finish = text(info["finish_reason"])
	}
	if named := roleOf(v); named != "" {
		role = named
	}
	for _, wrapper := range []string{"message", "kwargs", "data"} {
		if inner, ok := v[wrapper].(map[string]any); ok && depth > 0 {
			m, ok := messageOf(inner, role, depth-1)
			if finish != "" {
				m.finish = finish
			}
			return m, ok
		}
	}
	m := Message{Role: role, finish: finish}
	// Items of a request to the Responses API are parts without a message.
	if t := text(v["type"]); v["role"] == nil && (isCall(t) || isResult(t)) {
		m.addPart(v)
		if isResult(t) && m.Role != "assistant" {
			m.Role = "tool"
		} else if isCall(t) {
			m.Role = "assistant"
		}
		return m, true
	}
	content := first(v, "parts", "content", "contents", "text", "output_text", "object")
	m.add(content)
	m.Reasoning += text(first(v, "reasoning_content", "reasoning"))
	calls := first(v, "tool_calls", "toolCalls")
	if extra, ok := v["additional_kwargs"].(map[string]any); ok && calls == nil {
		calls = extra["tool_calls"]
	}
	if list, ok := structure(calls).([]any); ok {
		for _, c := range list {
			if c, ok := c.(map[string]any); ok {
				m.Calls = append(m.Calls, requestOf(c))
			}
		}
	}
	if call, ok := structure(v["function_call"]).(map[string]any); ok && len(m.Calls) == 0 {
		m.Calls = append(m.Calls, requestOf(call))
	}
	id := text(first(v, "tool_call_id", "toolCallId"))
	if id == "" && m.Role == "tool" {
		id = text(v["id"])
	}
	if m.Role == "tool" && len(m.Results) == 0 {
		m.Results, m.Text = []ToolResult{{ID: id, Text: m.Text}}, ""
	}
	return m, content != nil || len(m.Calls) > 0 || len(m.Results) > 0 || v["role"] != nil
}

// roleOf is whose message it is, with LangChain's words put into the usual ones.
func roleOf(v map[string]any) string {
	role := text(v["role"])
	if role == "" {
		role = text(v["type"])
		if id, ok := v["id"].([]any); ok && len(id) > 0 {
			role = strings.TrimSuffix(text(id[len(id)-1]), "Message")
		}
		switch strings.ToLower(role) {
		case "human", "user", "ai", "aimessagechunk", "assistant", "system", "tool", "function", "chat", "developer":
		default:
			return ""
		}
	}
	switch strings.ToLower(role) {
	case "human", "user":
		return "user"
	case "ai", "aimessagechunk", "model", "assistant":
		return "assistant"
	case "function", "tool":
		return "tool"
	}
	return role
}

// add adds a content: a text, a part, or a list of parts.
func (m *Message) add(content any) {
	switch c := content.(type) {
	case []any:
		for _, part := range c {
			m.add(part)
		}
	case map[string]any:
		m.addPart(c)
	case string:
		// Some write parts into a text.
		if parts, ok := structure(c).([]any); ok && text(at(parts, "0", "type")) != "" {
			m.add(parts)
			return
		}
		m.say(c)
	default:
		m.say(text(c))
	}
}

func (m *Message) say(t string) {
	if m.Text != "" && t != "" {
		m.Text += "\n"
	}
	m.Text += t
}

// addPart adds one part of a content by its type.
func (m *Message) addPart(p map[string]any) {
	if inner, ok := p["message_content"].(map[string]any); ok {
		p = inner
	}
	t := text(p["type"])
	switch {
	case isCall(t):
		m.Calls = append(m.Calls, requestOf(p))
	case isResult(t):
		m.Results = append(m.Results, ToolResult{
			ID:   text(first(p, "id", "tool_call_id", "tool_use_id", "toolCallId", "call_id")),
			Text: flat(first(p, "response", "result", "output", "content")),
		})
	case t == "reasoning" || t == "thinking":
		m.Reasoning += flat(first(p, "content", "text", "thinking"))
	default:
		said := first(p, "content", "text")
		if said == nil && t != "" {
			said = "[" + t + "]" // An image, a file: named, not shown.
		}
		m.add(said)
	}
}

func isCall(t string) bool {
	switch t {
	case "tool_call", "tool_use", "tool-call", "function_call", "server_tool_call":
		return true
	}
	return false
}

func isResult(t string) bool {
	switch t {
	case "tool_call_response", "tool_result", "tool-result", "function_call_output", "server_tool_call_response":
		return true
	}
	return false
}

func requestOf(v map[string]any) ToolRequest {
	if inner, ok := v["tool_call"].(map[string]any); ok {
		v = inner
	}
	r := ToolRequest{ID: text(first(v, "id", "tool_call_id", "toolCallId", "call_id"))}
	if call := text(v["call_id"]); call != "" {
		r.ID = call // The Responses API has an id of its own beside it.
	}
	if f, ok := v["function"].(map[string]any); ok {
		v = f
	}
	r.Name = text(first(v, "name", "toolName"))
	r.Arguments = text(first(v, "arguments", "args", "input", "parameters"))
	return r
}

// flat is the text of a content: of its parts if it has some.
func flat(v any) string {
	if parts, ok := v.([]any); ok {
		var m Message
		m.add(parts)
		if m.Text != "" {
			return m.Text
		}
	}
	return text(v)
}
