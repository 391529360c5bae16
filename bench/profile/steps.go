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
	"plan", "pick up", "agent", "settle", "ranges", "collect", "update", "commit",
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

// moments are when a step was seen to get on, by the coordinator's requests and
// the agent's attempts.
type moments struct {
	planned, asked, answered, closing, ranged, collected, putting, committed time.Time
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
		if n := stepOf(r.Key); n > 0 && r.Who == "coordinator" {
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
		for i, end := range []time.Time{m.planned, m.asked, m.answered, m.closing, m.ranged, m.collected, m.putting, m.committed} {
			s.Phases[i] = end.Sub(before)
			before = end
		}
		steps = append(steps, s)
	}
	return steps
}

// note takes down what a request of the coordinator says of its step.
func (m *moments) note(r Request) {
	switch r.Method + " " + Class(r.Key) {
	case "put plans":
		m.planned = r.Ended
	case "get ranges":
		if m.closing.IsZero() {
			m.closing = r.Began
		}
	case "put ranges":
		m.ranged = r.Ended
	case "get settled/collect", "get settled/assemble":
		if r.OK {
			m.collected = r.Ended
		}
	case "put log":
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
