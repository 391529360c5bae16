package telemetry

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Kind is what an event is, in a word of Kinds, as docs/formats.md names bodies.
func (e Event) Kind() string {
	switch e.Body.(type) {
	case nil:
		return ""
	case ModelCall:
		return "model_call"
	case ToolCall:
		for _, a := range e.Attributes {
			if a.Key == KindAttribute && a.Value == KindNode {
				return KindNode
			}
		}
		return "tool_call"
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e.Body), "telemetry."))
}

// Kinds are all that Event.Kind says of an event with a body.
func Kinds() []string {
	return []string{
		"start", "decision", "model_call", "tool_call", KindNode, "reward", "state", "error", "end", "marker", "final", "tombstone",
	}
}

// maxShown bounds a text in a summary, in characters.
const maxShown = 80

// Summary is an event's body in one line for people: its name and what matters
// most. It holds no control characters, and may change.
func (e Event) Summary() string {
	var s strings.Builder
	if e.Name != e.Kind() {
		s.WriteString(shown(e.Name))
	}
	say := func(format string, values ...any) {
		if s.Len() > 0 {
			s.WriteByte(' ')
		}
		fmt.Fprintf(&s, format, values...)
	}
	switch b := e.Body.(type) {
	case Start:
		say("%s", quoted(b.Task))
	case Decision:
		candidates := 0
		if b.Width > 0 {
			candidates = len(b.Features) / int(b.Width)
		}
		say("#%d took %d of %d, log-prob %.4g, policy %s", b.Number, b.Chosen, candidates, b.LogProb, clip(shown(b.Policy), 8))
	case ModelCall:
		say("#%d", b.Number)
		if b.Model != e.Name {
			say("%s", shown(b.Model))
		}
		say("%d tokens in, %d out, log-prob %.4g", len(b.Prompt), len(b.Response), sum(b.LogProbs))
	case ToolCall:
		if e.Kind() == KindNode {
			say("took %s", short(b.Duration))
			break
		}
		say("%s -> %s in %s", quoted(string(b.Input)), quoted(string(b.Output)), short(b.Duration))
	case Reward:
		say("%g", b.Value)
	case Error:
		say("%s: %s", shown(b.Class), quoted(b.Message))
		if b.Node != "" && b.Node != e.Name {
			say("at %s", shown(b.Node))
		}
		if b.Attempt > 0 {
			say("attempt %d", b.Attempt)
		}
		if b.Duration > 0 {
			say("after %s", short(b.Duration))
		}
	case End:
		say("after %d events", b.Events)
		if b.Truncated {
			say("(truncated)")
		}
	case Marker:
		say("of %s, %s", shown(b.Job), clip(shown(b.Nonce), 12))
	case Final:
		say("after %d sequences", b.Sequences)
	case Tombstone:
		say("gave up %d from sequence %d on: %s", b.Count, b.First, shown(b.Reason))
	case State:
		say("version %d, %s", b.Version, quoted(string(b.Document)))
	}
	return s.String()
}

// short is a duration to three digits or so.
func short(d time.Duration) time.Duration {
	for unit := time.Duration(1); unit < time.Hour; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
	return d.Round(time.Second)
}

func sum(values []float32) (total float64) {
	for _, v := range values {
		total += float64(v)
	}
	return total
}

// quoted is a text of a line, in quotes.
func quoted(s string) string { return `"` + shown(s) + `"` }

// shown is a text without what a terminal would act on, cut to size.
func shown(s string) string {
	var out strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > maxShown {
			out.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			r = unicode.ReplacementChar
		}
		out.WriteRune(r)
	}
	return out.String()
}
