package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
	"github.com/cohort-rl/cohort/traces/threads"
)

// details are the lines below the title of a node.
func (p *threadPage) details(n *threads.Node) []string {
	var lines []string
	switch {
	case n.Call != nil:
		lines = p.call(n.Call)
	case n.Tool != nil:
		lines = append(lines, p.cut(n.Tool.Arguments, maxLine))
		if n.Tool.Result != "" {
			lines[0] += " → " + p.cut(n.Tool.Result, maxResult)
		}
		if lines[0] == "" {
			lines = nil
		}
	case n.Decision != nil:
		lines = append(lines, decisionLine(n.Decision))
	}
	if n.Failure != nil {
		text := "error " + p.cut(n.Failure.String(), 2*maxLine)
		if n.Failure.Passed {
			text = p.paint("2", "error, passed up from below")
			if p.full {
				text += ": " + p.cut(n.Failure.String(), 2*maxLine)
			}
		} else {
			text = p.paint("31", text)
		}
		lines = append(lines, text)
	}
	return lines
}

func decisionLine(d *convention.Decision) string {
	text := fmt.Sprintf("took %d", d.Chosen)
	if d.Width > 0 && len(d.Features) > 0 {
		text += fmt.Sprintf(" of %d candidates", int64(len(d.Features))/d.Width)
	}
	if d.LogProb != nil {
		text += fmt.Sprintf(", log-probability %.4g", *d.LogProb)
	}
	if d.Policy != "" {
		text += ", policy " + abridge(d.Policy, 12)
	}
	return text
}

// call is what a model call was given that is new, what it answered, and what
// there is to train from.
func (p *threadPage) call(c *convention.Call) []string {
	var lines []string
	if known := facts(c); known != "" {
		lines = append(lines, known)
	}
	fresh := c.Input
	for len(p.before) > 0 && len(fresh) > 0 && !p.full && said(p.before[0], fresh[0]) {
		p.before, fresh = p.before[1:], fresh[1:]
	}
	if hidden := len(c.Input) - len(fresh); hidden > 0 {
		lines = append(lines, p.paint("2", fmt.Sprintf("(%d messages as before)", hidden)))
	}
	for _, m := range fresh {
		lines = append(lines, p.message(m)...)
	}
	for _, m := range c.Output {
		lines = append(lines, p.message(m)...)
	}
	p.before = append(append([]convention.Message{}, c.Input...), c.Output...)
	for _, f := range c.Faults {
		lines = append(lines, p.paint("31", "no use: "+p.cut(f, maxLine)))
	}
	return lines
}

// said reports whether two messages say the same to a model. Libraries order
// calls and texts differently in an answer and when it is given back.
func said(a, b convention.Message) bool {
	return a.Role == b.Role && a.Text == b.Text && len(a.Calls) == len(b.Calls) && reflect.DeepEqual(a.Results, b.Results)
}

// facts are the numbers of a model call on one line.
func facts(c *convention.Call) string {
	var words []string
	if c.InputTokens != nil && c.OutputTokens != nil {
		words = append(words, fmt.Sprintf("%d tokens in, %d out", *c.InputTokens, *c.OutputTokens))
	}
	if c.Finish != "" {
		words = append(words, "ended by "+abridge(c.Finish, 30))
	}
	if len(c.Tokens) > 0 {
		words = append(words, "token ids")
	}
	if len(c.LogProbs) > 0 {
		sum := 0.0
		for _, p := range c.LogProbs {
			sum += p
		}
		words = append(words, fmt.Sprintf("%d log-probabilities, sum %.4g", len(c.LogProbs), sum))
	}
	if c.Policy != "" {
		words = append(words, "policy "+abridge(c.Policy, 12))
	}
	return strings.Join(words, ", ")
}

// message is a message in lines: its text, the calls it asks for, the results
// it tells.
func (p *threadPage) message(m convention.Message) []string {
	var lines []string
	role := printable(m.Role)
	if m.Reasoning != "" {
		lines = append(lines, fmt.Sprintf("%s thinks: %s", role, p.cut(m.Reasoning, maxLine)))
	}
	if m.Text != "" {
		lines = append(lines, fmt.Sprintf("%s: %s", role, p.cut(m.Text, maxLine)))
	}
	for _, c := range m.Calls {
		lines = append(lines, fmt.Sprintf("%s calls %s %s", role, p.cut(c.Name, maxResult), p.cut(c.Arguments, maxLine)))
	}
	for _, r := range m.Results {
		lines = append(lines, fmt.Sprintf("%s: %s", role, p.cut(r.Text, maxLine)))
	}
	return lines
}
