package profile

import (
	"fmt"
	"strings"
	"time"
)

// Attempt is the time between the agent's being asked and its answer.
type Attempt struct {
	Step         int
	Began, Ended time.Time
}

// Phases of a step, one after the other: from a commit to the next.
var Phases = [...]string{ //nolint:gochecknoglobals // an array that nobody changes
	"plan", "pick up", "agent", "settle", "ranges", "hand over", "collect", "notice", "update", "commit",
}

// Step is where the time of a step went. Its phases add up to its time.
type Step struct {
	Number int
	Began  time.Time
	Time   time.Duration
	Phases [len(Phases)]time.Duration
	// Agent is the time in which the agent had at least one attempt in hand.
	Agent time.Duration
}

// moments are when a step was seen to get on, by requests and by the agent's
// attempts.
type moments struct {
	planned, asked, answered, closing, ranged, taken, kept, collected, putting, committed time.Time
}

// Steps are the steps that began and ended while requests were taken down, the
// first step left out.
func Steps(requests []Request, attempts []Attempt) []Step {
	seen := map[int]*moments{}
	at := func(step int) *moments {
		if seen[step] == nil {
			seen[step] = &moments{}
		}
		return seen[step]
	}
	for _, r := range requests {
		if n := stepOf(r.Key); n > 0 {
			at(n).note(r)
		}
	}
	busy := map[int]*span{}
	for _, a := range attempts {
		m := at(a.Step)
		if m.asked.IsZero() || a.Began.Before(m.asked) {
			m.asked = a.Began
		}
		if a.Ended.After(m.answered) {
			m.answered = a.Ended
		}
		if busy[a.Step] == nil {
			busy[a.Step] = &span{}
		}
		busy[a.Step].add(a.Began, a.Ended)
	}
	var steps []Step
	for n := 2; seen[n] != nil; n++ {
		m, began := seen[n], at(n-1).committed
		if m.ranged.IsZero() || m.collected.Before(m.ranged) || !m.committed.After(m.collected) || began.IsZero() {
			break // the job was cancelled, and its end is the entry
		}
		s := Step{Number: n, Began: began, Time: m.committed.Sub(began)}
		if busy[n] != nil {
			s.Agent = busy[n].length()
		}
		before := began
		for i, end := range []time.Time{m.planned, m.asked, m.answered, m.closing, m.ranged, m.taken, m.kept, m.collected, m.putting, m.committed} {
			s.Phases[i] = end.Sub(before)
			before = end
		}
		steps = append(steps, s)
	}
	return steps
}

// note takes down what a request says of its step.
func (m *moments) note(r Request) {
	switch r.Who + " " + r.Method + " " + Class(r.Key) {
	case "coordinator put plans":
		m.planned = r.Ended
	case "coordinator get ranges":
		if m.closing.IsZero() {
			m.closing = r.Began
		}
	case "coordinator put ranges":
		m.ranged = r.Ended
	case "worker head settled/collect", "worker head settled/extract":
		if m.taken.IsZero() {
			m.taken = r.Began
		}
	case "worker put settled/collect", "worker put settled/assemble":
		m.kept = r.Ended
	case "coordinator get settled/collect", "coordinator get settled/assemble":
		if r.OK {
			m.collected = r.Ended
		}
	case "coordinator put log":
		m.putting, m.committed = r.Began, r.Ended
	}
}

// stepOf is the step whose number an object's name begins with, 0 if none. The
// entry of the log that commits step n is entry n.
func stepOf(key string) int {
	class, _, _ := strings.Cut(Class(key), "/")
	_, name, found := strings.Cut(key, "/"+class+"/")
	if !found {
		return 0
	}
	var n int
	if _, err := fmt.Sscanf(name, "%020d", &n); err != nil {
		return 0
	}
	return n
}
