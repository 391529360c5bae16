package job

import (
	"fmt"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job/spec"
)

// sweep takes a unit from its plan to its outcomes: rollouts, ranges and
// collection, and all of it again when the log lost something.
type sweep struct {
	unit       Unit
	plan       *Plan
	planned    bool // the plan was read back
	resuming   bool // the plan was there, and no open shard was met since
	collection int
	phase      Phase
	marks      []Mark // the opening markers of the collection
	began      time.Duration
	since      time.Duration // when the phase began

	waiting  int // shards of the phase that are not settled
	rollouts []*RolloutRecord
	settled  []blob.Digest
	extracts []*ExtractRecord
	collects []*CollectRecord
	over     bool
}

// newSweep begins a unit. marks are the opening markers of its first
// collection, nil if it opens with its own.
func newSweep(plan *Plan, marks []Mark, now time.Duration) (*sweep, []Effect) {
	w := &sweep{unit: plan.Unit, plan: plan, marks: marks, began: now, since: now, phase: Rollout}
	return w, []Effect{PutPlan{plan}}
}

// next takes an event of the unit. When the unit is over, done is true; when it
// cannot go on, reason says why.
func (w *sweep) next(event Event, now time.Duration) (effects []Effect, done bool, reason string) {
	switch e := event.(type) {
	case PlanRead:
		if w.planned {
			return nil, false, ""
		}
		w.plan, w.planned, w.since, w.resuming = e.Plan, true, now, e.Existed
		return w.begin(now), false, ""
	case TakenOver:
		w.resuming = false
		if e.N > MaxTakeOvers {
			return nil, false, fmt.Sprintf("the %s phase was taken over more than %d times", w.phase, MaxTakeOvers)
		}
	case OpenedRead:
		if e.Collection == w.collection && w.marks == nil {
			w.marks = e.Marks
			return w.drive(Rollout, now), false, ""
		}
	case ShardSettled:
		return w.shardSettled(e, now)
	case RangesRead:
		if e.Collection != w.collection || w.phase != Rollout || w.waiting > 0 {
			return nil, false, ""
		}
		if len(e.Ranges.Losses) > 0 {
			return w.again(e.Ranges.Losses, now)
		}
		w.marks = e.Ranges.Closing()
		return w.drive(w.plan.CollectPhases()[0], now), false, ""
	}
	return effects, false, ""
}

// begin begins the collection: with its own opening markers, if it has no others.
func (w *sweep) begin(now time.Duration) []Effect {
	w.rollouts = make([]*RolloutRecord, w.plan.Shards(Rollout))
	w.settled = make([]blob.Digest, len(w.rollouts))
	w.extracts, w.collects = nil, nil
	w.phase = Rollout
	if w.plan.Offline {
		w.marks = []Mark{}
		return w.drive(Collect, now)
	}
	if w.marks == nil {
		return []Effect{Open{w.unit, w.collection}}
	}
	return w.drive(Rollout, now)
}

func (w *sweep) drive(phase Phase, now time.Duration) []Effect {
	n := w.plan.Shards(phase)
	w.phase, w.waiting, w.since = phase, n, now
	switch phase {
	case Extract:
		w.extracts = make([]*ExtractRecord, n)
	case Collect, Assemble:
		w.collects = make([]*CollectRecord, n)
	case Rollout, Updating:
	}
	return []Effect{Drive{Unit: w.unit, Plan: w.plan, Collection: w.collection, Phase: phase, Count: n, Resuming: w.resuming}}
}

func (w *sweep) shardSettled(e ShardSettled, now time.Duration) (effects []Effect, done bool, reason string) {
	if e.Shard.Collection != w.collection || e.Shard.Phase != w.phase {
		return nil, false, ""
	}
	if reason := w.plan.unfit(e); reason != "" {
		return nil, false, reason
	}
	if !w.record(e) {
		return nil, false, ""
	}
	if w.waiting--; w.waiting > 0 {
		return nil, false, ""
	}
	switch w.phase {
	case Rollout:
		return []Effect{PutRanges{w.unit, w.collection, w.marks, w.settled}}, false, ""
	case Extract:
		if losses := w.losses(); len(losses) > 0 {
			return w.again(losses, now)
		}
		return w.drive(Assemble, now), false, ""
	case Collect, Assemble:
		if losses := w.losses(); len(losses) > 0 {
			return w.again(losses, now)
		}
		w.over = true
		return nil, true, ""
	case Updating:
	}
	return nil, false, ""
}

// record keeps a shard's record; it is false for one that is kept already.
func (w *sweep) record(e ShardSettled) bool {
	i := e.Shard.Index
	switch {
	case e.Rollout != nil && i < len(w.rollouts) && w.rollouts[i] == nil:
		w.rollouts[i], w.settled[i] = e.Rollout, e.Digest
	case e.Extract != nil && i < len(w.extracts) && w.extracts[i] == nil:
		w.extracts[i] = e.Extract
	case e.Collect != nil && i < len(w.collects) && w.collects[i] == nil:
		w.collects[i] = e.Collect
	default:
		return false
	}
	return true
}

func (w *sweep) losses() []Loss {
	var all []Loss
	for _, r := range w.extracts {
		all = append(all, r.Losses...)
	}
	for _, r := range w.collects {
		if r != nil {
			all = append(all, r.Losses...)
		}
	}
	return all
}

// again opens the next collection, because the log lost something of this one.
func (w *sweep) again(losses []Loss, now time.Duration) (effects []Effect, done bool, reason string) {
	if w.collection+1 >= MaxCollections {
		return nil, false, fmt.Sprintf("the log lost events in each of %d collections, last: %s", MaxCollections, losses[0])
	}
	w.collection++
	w.marks, w.since = nil, now
	return w.begin(now), false, ""
}

// String describes a loss in a sentence's part.
func (l Loss) String() string {
	return fmt.Sprintf("%s at offset %d of partition %d (%s)", l.Kind, l.Offset, l.Partition, l.Detail)
}

// late is why the phase is over its deadline at now, and the remedy, or empty.
func (w *sweep) late(now time.Duration, d spec.Deadlines) (reason, remedy string) {
	limit, field := d.Collect, "collect"
	if w.phase == Rollout {
		limit, field = d.Rollout, "rollout"
	}
	if now-w.since <= limit.Std() {
		return "", ""
	}
	reason = fmt.Sprintf("step %d: the %s phase did not end within limits.deadlines.%s, %s", w.unit.Step, w.phase, field, limit)
	switch {
	case !w.planned:
		return reason, "see whether the object store answers"
	case w.waiting == 0:
		return reason, "see whether Kafka answers"
	case w.phase != Rollout:
		return fmt.Sprintf("%s; %d of its shards are not settled", reason, w.waiting), "see whether workers are alive (cohort status) and Kafka answers"
	}
	return fmt.Sprintf("%s; no answer for rollouts %s", reason, w.missing()),
		"see whether the agent and the workers are alive, or give it more time"
}

// missing names the rollouts of the shards that are not settled, the first few
// of them: group/rollout.
func (w *sweep) missing() string {
	const most = 20
	var names []string
	total := 0
	for shard, r := range w.rollouts {
		if r != nil {
			continue
		}
		from, to := w.plan.Span(Rollout, shard)
		for i := from; i < to; i++ {
			if total++; total <= most {
				g, r := w.plan.At(i)
				names = append(names, fmt.Sprintf("%d/%d", g, r))
			}
		}
	}
	if total > most {
		names = append(names, fmt.Sprintf("and %d more", total-most))
	}
	return strings.Join(names, ", ")
}
