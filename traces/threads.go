package traces

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/job"
)

// A Collection is what a unit's frames are judged by: the plan, and the
// execution of each planned rollout that counts, in the order of the plan. One
// that failed carries its reason, and nothing of it is collected.
type Collection struct {
	Plan       *job.Plan
	Executions []job.Execution
}

// Validate checks that there is exactly one execution per planned rollout.
func (c Collection) Validate() error {
	if len(c.Executions) != c.Plan.Planned() {
		return fmt.Errorf("collect %v: %d executions for %d planned rollouts", c.Plan.Unit, len(c.Executions), c.Plan.Planned())
	}
	for place, e := range c.Executions {
		if group, rollout := c.Plan.At(place); e.Group != group || e.Rollout != rollout {
			return fmt.Errorf("collect %v: execution %d is of rollout %d/%d, planned is %d/%d",
				c.Plan.Unit, place, e.Group, e.Rollout, group, rollout)
		}
	}
	return nil
}

// thread is the id of the thread of the execution at a place of the plan.
func (c Collection) thread(place int) string {
	e := c.Executions[place]
	return c.Plan.Unit.ThreadID(e.Group, e.Rollout, e.Nonce)
}

// whose says to whom a thread belongs.
type whose int

const (
	foreign whose = iota
	superseded
	counts
)

// threads finds the rollout of a record by its key alone.
type threads struct {
	plan   *job.Plan
	prefix string
	places map[string]int
}

func (c Collection) threads() threads {
	t := threads{plan: c.Plan, prefix: c.Plan.Unit.ThreadPrefix(), places: make(map[string]int, len(c.Executions))}
	for place, e := range c.Executions {
		if e.Reason == "" {
			t.places[c.thread(place)] = place
		}
	}
	return t
}

// find returns the place in the plan of an execution that counts. A thread of
// another execution of a planned rollout is superseded; all else is foreign.
func (t threads) find(key []byte) (place int, w whose) {
	if place, ok := t.places[string(key)]; ok {
		return place, counts
	}
	rest, ours := strings.CutPrefix(string(key), t.prefix)
	if !ours {
		return 0, foreign
	}
	group, rest, _ := strings.Cut(rest, "/")
	rollout, _, _ := strings.Cut(rest, "/")
	g, err1 := strconv.Atoi(group)
	r, err2 := strconv.Atoi(rollout)
	if err1 != nil || err2 != nil || t.plan.Index(g, r) < 0 {
		return 0, foreign
	}
	return 0, superseded
}
