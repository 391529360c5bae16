package threads

import (
	"slices"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// merge makes one node of what libraries record twice, and puts the nodes under
// each other.
func (t *told) merge() []*Node {
	t.asked()
	gone := t.mergeTools()
	t.answered()
	for _, s := range t.order {
		for _, c := range s.children {
			c.inside(s, gone)
		}
	}
	for _, s := range t.order {
		if s.node.Is(convention.Model) && s.wraps() {
			// The call that it wraps is the one that went to the model.
			s.node.set(convention.Step)
		}
	}
	// From the leaves up, so that an error is known below before it is above.
	for _, s := range slices.Backward(t.order) {
		for _, c := range s.children {
			if !gone[c] {
				s.node.Children = append(s.node.Children, c.node)
			}
		}
		s.node.passed()
	}
	passedAside(t.roots)
	for _, s := range t.order {
		passedAside(s.children)
	}
	var roots []*Node
	for _, s := range t.roots {
		if !gone[s] {
			roots = append(roots, s.node)
		}
	}
	return roots
}

// mergeTools joins each request of a tool call with the call itself: by the id
// of the call, else by tool and arguments, else by tool and order. It returns
// the spans that are in others now. A request that nothing came of stays a tool
// call that was only asked for; an operation that nobody asked for is a step.
func (t *told) mergeTools() map[*span]bool {
	gone, taken := map[*span]bool{}, map[*span]bool{}
	byID := func(c *convention.ToolCall) string { return c.ID }
	byArguments := func(c *convention.ToolCall) string { return c.Name + " " + convention.Canonical(c.Arguments) }
	byName := func(c *convention.ToolCall) string { return c.Name }
	for i, key := range []func(*convention.ToolCall) string{byID, byArguments, byName} {
		done := map[string][]*span{}
		for _, d := range t.order {
			if !taken[d] && (d.node.Is(convention.Operation) || (i == 0 && d.node.Is(convention.Tool))) {
				done[key(d.node.Tool)] = append(done[key(d.node.Tool)], d)
			}
		}
		for _, r := range t.order {
			if !r.node.Is(convention.Request) || gone[r] || key(r.node.Tool) == "" {
				continue
			}
			k := key(r.node.Tool)
			for len(done[k]) > 0 && done[k][0].Start.Before(r.Start) {
				done[k] = done[k][1:] // Before what asks for it, so for another.
			}
			if len(done[k]) > 0 {
				d := done[k][0]
				done[k] = done[k][1:]
				gone[r], taken[d] = true, true
				join(d.node, r.node)
			}
		}
	}
	for _, s := range t.order {
		switch {
		case s.node.Is(convention.Request):
			s.node.kind, s.node.Kind = convention.Tool, convention.Tool.String()
		case s.node.Is(convention.Operation) && taken[s]:
			s.node.kind, s.node.Kind = convention.Tool, convention.Tool.String()
		case s.node.Is(convention.Operation):
			s.node.set(convention.Step)
		}
	}
	return gone
}

// join puts what a request says into the node of what was done.
func join(done, request *Node) {
	d, r := done.Tool, request.Tool
	if r.ID != "" {
		d.ID = r.ID
	}
	if r.Arguments != "" {
		d.Arguments = r.Arguments
	}
	if d.Result == "" {
		d.Result = r.Result
	}
	done.Rewards = append(done.Rewards, request.Rewards...)
	if done.Failure == nil {
		done.Failure = request.Failure
	}
}

// inside makes a tool call that lies directly in one of the same tool a step: a
// library below has recorded the same call.
func (s *span) inside(parent *span, gone map[*span]bool) {
	p, c := parent.node, s.node
	if gone[s] || !p.Is(convention.Tool) || !c.Is(convention.Tool) || p.Tool.Name != c.Tool.Name {
		return
	}
	join(p, c)
	c.set(convention.Step)
}

// wraps reports whether a model call lies below, with neither an agent nor a
// tool between.
func (s *span) wraps() bool {
	for _, c := range s.children {
		switch {
		case c.node.Is(convention.Model):
			return true
		case c.node.Is(convention.Step) && c.wraps():
			return true
		}
	}
	return false
}

// asked gives answers of models the tool calls that are recorded as spans below
// them and not in the answer itself.
func (t *told) asked() {
	for _, s := range t.order {
		if !s.node.Is(convention.Model) {
			continue
		}
		out := s.node.Call.Output
		calls := 0
		for _, m := range out {
			calls += len(m.Calls)
		}
		if calls > 0 {
			continue
		}
		for _, c := range s.children {
			if !c.node.Is(convention.Request) {
				continue
			}
			if len(out) == 0 {
				out = []convention.Message{{Role: "assistant"}}
			}
			r := c.node.Tool
			last := &out[len(out)-1]
			last.Calls = append(last.Calls, convention.ToolRequest{ID: r.ID, Name: r.Name, Arguments: r.Arguments})
		}
		s.node.Call.Output = out
	}
}

// answered gives tool calls that were only asked for the result that a later
// call of a model was told: so they were done.
func (t *told) answered() {
	results := map[string]string{}
	for _, s := range t.order {
		if !s.node.Is(convention.Model) {
			continue
		}
		for _, m := range s.node.Call.Input {
			for _, r := range m.Results {
				results[r.ID] = r.Text
			}
		}
	}
	for _, s := range t.order {
		if !s.node.Is(convention.Tool) || s.node.Tool.ID == "" {
			continue
		}
		if result, ok := results[s.node.Tool.ID]; ok {
			s.node.Tool.Asked = false
			if s.node.Tool.Result == "" && s.node.Failure == nil {
				s.node.Tool.Result = result
			}
		}
	}
}
