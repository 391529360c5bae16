package threads

import (
	"fmt"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/traces/otlp"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

// verdict is what is wrong with a trace or a thread, if anything.
type verdict struct {
	state          State
	reason, detail string
}

// judge sets the state of a thread: the worst of its traces, then what can only
// be said about the whole.
func (b *building) judge(t *Thread, rules Rules) {
	all := []verdict{t.scores()}
	for _, x := range b.traces {
		all = append(all, x.shape())
	}
	all = append(all, t.waiting(rules), t.outcome())
	worst := verdict{state: Complete}
	for _, v := range all {
		if rank(v.state) > rank(worst.state) {
			worst = v
		}
	}
	t.State, t.Reason, t.Detail = worst.state, worst.reason, worst.detail
	if t.State == Complete {
		t.Note = t.unanswered()
	}
}

// rank is the greater the worse a state is.
func rank(s State) int { return slices.Index(States(), s) }

// shape judges one trace by its spans alone.
func (t *told) shape() verdict {
	ended := false
	var running *span
	for _, s := range t.order {
		if s.differs {
			return verdict{Corrupt, "spans contradict each other", fmt.Sprintf("two spans of the id %v in the trace %v differ", s.ID, t.id)}
		}
		if s.Parent == (otlp.SpanID{}) {
			ended = ended || !s.End.IsZero()
		}
		if s.End.IsZero() && running == nil {
			running = s
		}
	}
	switch {
	case t.circle != nil:
		return verdict{Corrupt, "parents go in a circle", fmt.Sprintf("span %v of the trace %v is its own ancestor", t.circle.ID, t.id)}
	case len(t.spans) == 0:
		return verdict{Open, "no span yet", fmt.Sprintf("%d log records name the trace %v, no span has come", len(t.logs), t.id)}
	case running != nil:
		return verdict{Open, "a span has not ended", fmt.Sprintf("%q, span %v of the trace %v", running.Name, running.ID, t.id)}
	case !ended:
		return verdict{Open, "no root span yet", fmt.Sprintf("the parent %v has not come, of the trace %v", t.lost[0], t.id)}
	case len(t.lost) > 0:
		return verdict{Orphaned, "parents are missing", fmt.Sprintf("%d in the trace %v, the first is %v", len(t.lost), t.id, t.lost[0])}
	}
	return verdict{state: Complete}
}

// scores finds rewards and decisions that contradict themselves.
func (t *Thread) scores() verdict {
	v := verdict{state: Complete}
	t.Walk(func(n *Node) {
		for _, r := range n.Rewards {
			if r.Fault != "" && v.state == Complete {
				v = verdict{Corrupt, "a reward is no number", fmt.Sprintf("%q in span %s: %s", r.Name, n.Span, r.Fault)}
			}
		}
		d := n.Decision
		if d == nil || v.state != Complete {
			return
		}
		rows := int64(0)
		if d.Width > 0 {
			rows = int64(len(d.Features)) / d.Width
		}
		if d.Chosen < 0 || (rows > 0 && (d.Chosen >= rows || rows*d.Width != int64(len(d.Features)))) {
			v = verdict{Corrupt, "a decision is none", fmt.Sprintf("span %s chose %d of %d candidates", n.Span, d.Chosen, rows)}
		}
	})
	return v
}

// waiting says that a thread may go on: it was not quiet for long enough, and
// the deadline has not come.
func (t *Thread) waiting(rules Rules) verdict {
	if !rules.Deadline.IsZero() && !rules.Now.Before(rules.Deadline) {
		return verdict{state: Complete}
	}
	if since := rules.Now.Sub(t.End); since < rules.Quiet {
		return verdict{Open, "not quiet yet", fmt.Sprintf("its last span ended %v ago, %v is asked", since.Round(time.Millisecond), rules.Quiet)}
	}
	return verdict{state: Complete}
}

// outcome says how the agent ended: with an error of a root, or of the last
// model call.
func (t *Thread) outcome() verdict {
	for _, n := range t.Roots {
		if n.Failure != nil {
			return verdict{Errored, "the root failed", n.Failure.String()}
		}
	}
	if all := calls(t); len(all) > 0 {
		if last := all[len(all)-1]; last.Failure != nil {
			return verdict{Errored, "the last model call failed", last.Failure.String()}
		}
	}
	return verdict{state: Complete}
}

// unanswered says that the last answer of a model asks for tools that were not
// called.
func (t *Thread) unanswered() string {
	all := calls(t)
	if len(all) == 0 {
		return ""
	}
	last := all[len(all)-1]
	asked := 0
	for _, m := range last.Call.Output {
		asked += len(m.Calls)
	}
	if asked == 0 {
		return ""
	}
	done := 0
	t.Walk(func(n *Node) {
		if n.Is(convention.Tool) && !n.Tool.Asked && !n.Start.Before(last.Start) {
			done++
		}
	})
	if done > 0 {
		return ""
	}
	return "the last answer asks for a tool, and nothing says that it was called"
}
