package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
	"github.com/cohort-rl/cohort/traces/threads"
)

// threadPage is a thread being written for people.
type threadPage struct {
	full, color bool
	start       time.Time
	// before is what the model call before this one was given and answered.
	before []convention.Message
	text   strings.Builder
}

// How much of a text a line shows.
const (
	maxLine   = 100
	maxResult = 60
)

func (p *threadPage) thread(t *threads.Thread) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&p.text, "%-8s %s\n", name, value)
		}
	}
	line("thread", fmt.Sprintf("%s (%s)", printable(t.ID), printable(t.From)))
	line("state", p.state(t))
	line("note", t.Note)
	if t.Task != "" {
		line("task", fmt.Sprintf("%s (%s)", p.cut(t.Task, maxLine), printable(t.TaskFrom)))
	}
	spans := fmt.Sprintf("%d spans in %d traces", t.Spans, len(t.Traces))
	switch len(t.Traces) {
	case 0:
		spans = fmt.Sprintf("%d events", t.Spans)
	case 1:
		spans = fmt.Sprintf("%d spans, trace %s", t.Spans, t.Traces[0])
	}
	line("times", fmt.Sprintf("%s, took %s; %s", stamp(t.Start), took(t.End.Sub(t.Start)), spans))
	line("by", printable(strings.Join(t.Libraries, ", ")))
	line("holds", holds(t))
	line("lacks", lacks(t))
	p.text.WriteByte('\n')
	for _, n := range t.Roots {
		p.node(n, "", "", true)
	}
}

func (p *threadPage) state(t *threads.Thread) string {
	code := "33"
	switch t.State {
	case threads.Complete:
		code = "32"
	case threads.Errored, threads.Corrupt:
		code = "31"
	case threads.Open, threads.Orphaned:
	}
	text := p.paint(code, string(t.State))
	if t.Reason != "" {
		text += ": " + t.Reason + ": " + p.cut(t.Detail, 2*maxLine)
	}
	return text
}

// holds counts what a thread has.
func holds(t *threads.Thread) string {
	words := []string{plural(t.ModelCalls, "model call"), plural(t.ToolCalls, "tool call")}
	for _, c := range []struct {
		n    int
		what string
	}{{t.Decisions, "decision"}, {t.Failures, "error"}} {
		if c.n > 0 {
			words = append(words, plural(c.n, c.what))
		}
	}
	if t.Rewards > 0 {
		return strings.Join(words, ", ") + ", reward " + rewardsOf(t)
	}
	return strings.Join(words, ", ") + ", no reward"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// lacks says what the model calls of a thread do not have, of what can be
// trained from.
func lacks(t *threads.Thread) string {
	var words []string
	for _, c := range []struct {
		has  int
		what string
	}{{t.WithMessages, "messages"}, {t.WithPrompt, "prompt token ids"}, {t.WithTokens, "response token ids"}, {t.WithLogProbs, "log-probabilities"}} {
		if missing := t.ModelCalls - c.has; missing > 0 {
			words = append(words, fmt.Sprintf("%s (%d of %d calls)", c.what, missing, t.ModelCalls))
		}
	}
	return strings.Join(words, ", ")
}

// node writes a node and what lies below it. A step with nothing of its own and
// one thing below it is left out.
func (p *threadPage) node(n *threads.Node, first, rest string, root bool) {
	below := p.shown(n)
	fmt.Fprintf(&p.text, "%s%s\n", first, p.title(n))
	inner := rest + "   "
	if len(below) > 0 || len(n.Rewards) > 0 {
		inner = rest + "│  "
	}
	if root {
		inner = ""
		if len(below) > 0 {
			inner = "│ "
		}
	}
	for _, l := range p.details(n) {
		fmt.Fprintf(&p.text, "%s%s\n", inner, l)
	}
	p.children(n, below, rest)
}

func (p *threadPage) children(n *threads.Node, below []*threads.Node, rest string) {
	for i, c := range below {
		branch, next := "├─ ", "│  "
		if i == len(below)-1 && len(n.Rewards) == 0 {
			branch, next = "└─ ", "   "
		}
		p.node(c, rest+branch, rest+next, false)
	}
	if onlyRewards(n) && len(n.Rewards) == 1 {
		return // Its title has said so.
	}
	for i, r := range n.Rewards {
		branch := "├─ "
		if i == len(n.Rewards)-1 {
			branch = "└─ "
		}
		fmt.Fprintf(&p.text, "%s%s%s\n", rest, branch, p.reward(r))
	}
}

func (p *threadPage) reward(r convention.Reward) string {
	if r.Fault != "" {
		return p.paint("31", fmt.Sprintf("reward %s: %s", printable(r.Name), printable(r.Fault)))
	}
	text := fmt.Sprintf("reward %.4g", r.Value)
	if r.Name != "" && r.Name != "reward" {
		text += " (" + printable(r.Name) + ")"
	}
	return p.paint("32", text)
}

// onlyRewards reports whether a node is there for its rewards alone.
func onlyRewards(n *threads.Node) bool {
	return n.Is(convention.Step) && len(n.Rewards) > 0 && len(n.Children) == 0 && n.Failure == nil
}

// shown are the nodes to show below one: its children, or what lies below those
// that say nothing.
func (p *threadPage) shown(n *threads.Node) []*threads.Node {
	if p.full {
		return n.Children
	}
	var all []*threads.Node
	for _, c := range n.Children {
		if !c.Is(convention.Step) || (c.Failure != nil && !c.Failure.Passed) || len(c.Rewards) > 0 {
			all = append(all, c)
			continue
		}
		switch below := p.shown(c); len(below) {
		case 0:
		case 1:
			all = append(all, below[0])
		default:
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *threads.Node) int { return a.Start.Compare(b.Start) })
	return all
}

// title is the line of a node: what it is, when it began and how long it took.
func (p *threadPage) title(n *threads.Node) string {
	when := ""
	if !n.Start.IsZero() {
		when = fmt.Sprintf("  +%s", took(n.Start.Sub(p.start)))
		if n.End.After(n.Start) {
			when += ", " + took(n.End.Sub(n.Start))
		} else if n.End.IsZero() {
			when += ", not ended"
		}
		when = p.paint("2", when)
	}
	kind, code := n.Kind, ""
	switch {
	case n.Call != nil:
		code = "36"
	case n.Tool != nil:
		code = "33"
		if n.Tool.Asked {
			kind = "tool call, asked for only:"
		}
	case n.Decision != nil:
		code = "36"
	}
	if onlyRewards(n) && len(n.Rewards) == 1 {
		return p.reward(n.Rewards[0]) + when
	}
	if n.Name != kind {
		kind += " " + p.cut(n.Name, maxResult)
	}
	return p.paint(code, kind) + when
}

func (p *threadPage) cut(s string, letters int) string {
	if p.full {
		return strings.TrimSpace(printable(s))
	}
	return abridge(s, letters)
}

func (p *threadPage) paint(code, text string) string {
	if !p.color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
