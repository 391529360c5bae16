package threads

import "github.com/cohort-rl/cohort/traces/otlp"

// Clear empties the gathering, so that it can gather again.
func (g *Gathering) Clear() {
	clear(g.traces)
	clear(g.frames)
	clear(g.stray)
	g.tally = Tally{}
}

// Name is the id of the thread that a trace belongs to, as far as what was taken
// tells.
func (g *Gathering) Name(id otlp.TraceID) string {
	t := g.traces[id]
	if t == nil {
		return id.String()
	}
	if name, _ := t.read(g.reader).identify(g.rules.Thread); name != "" {
		return name
	}
	return id.String()
}

// Add adds what another tally counts.
func (t *Tally) Add(o Tally) {
	t.Messages += o.Messages
	t.Bytes += o.Bytes
	t.Spans += o.Spans
	t.Records += o.Records
	t.Events += o.Events
	t.Duplicates += o.Duplicates
	t.Stray += o.Stray
	t.SetAside += o.SetAside
	room := maxAside - len(t.Aside)
	t.Aside = append(t.Aside, o.Aside[:min(room, len(o.Aside))]...)
}

// Rank is the greater the worse a state is.
func Rank(s State) int { return rank(s) }
