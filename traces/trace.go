package traces

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
)

// A Trace is the whole thread of one rollout.
type Trace struct {
	Group, Rollout int
	// Task is the line of the plan's data set.
	Task int
	// Thread is the id under which the agent recorded it.
	Thread string
	// Events are all events of the thread, Events[i] with index i, the last an End.
	Events []telemetry.Event
	// Decisions are the decisions among them, Decisions[i] with number i, all
	// of the same width and made under the plan's weights.
	Decisions []telemetry.Decision
}

// decide fills in the decisions. It returns why the trace is no use, if it is
// none: numbers that are not 0, 1, 2 and so on, rows of another width than the
// policy's features, or weights other than the plan's.
func (t *Trace) decide(plan *job.Plan, features int) (job.Reason, string) {
	stale := ""
	for _, e := range t.Events {
		var used string
		switch b := e.Body.(type) {
		case telemetry.Decision:
			t.Decisions = append(t.Decisions, b)
			used = b.Policy
		case telemetry.ModelCall:
			// A model that is not trained names no weights.
			if used = b.Policy; used == "" {
				continue
			}
		default:
			continue
		}
		if stale == "" && used != string(plan.Policy.Weights) {
			stale = fmt.Sprintf("event %d was decided under weights %q, planned are %s", e.Index, used, plan.Policy.Weights)
		}
	}
	slices.SortStableFunc(t.Decisions, func(a, b telemetry.Decision) int { return cmp.Compare(a.Number, b.Number) })
	for i, d := range t.Decisions {
		if int(d.Number) != i {
			return job.CorruptTrace, fmt.Sprintf("decision %d of %d has number %d", i, len(t.Decisions), d.Number)
		}
		if int(d.Width) != features {
			return job.CorruptTrace, fmt.Sprintf("decision %d has %d features, the policy has %d", i, d.Width, features)
		}
	}
	if stale != "" {
		return job.StalePolicy, stale
	}
	return "", ""
}
