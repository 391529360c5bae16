package traces

import (
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
)

// An Assembly says what to assemble: the planned rollouts [From, To) of a
// collection, places in the plan.
type Assembly struct {
	Collection
	From, To int
	// Features is the number of features of the policy's candidates.
	Features int
	// Spent says that no attempt is left to a rollout whose agent promised more
	// than the log holds. Until then that is a loss, afterwards a fate.
	Spent func(group, rollout int) bool
	// Last says that no further collection can follow, so that what only may be
	// a loss of the log is the fate that it looks like.
	Last bool
}

// Assembled has one trace and one outcome per planned rollout of the assembly,
// in the order of the plan. An outcome without a reason has a whole trace; what
// its reward makes of it is still open. Other traces are empty. With Losses,
// nothing else may be used.
type Assembled struct {
	Tally
	Traces   []Trace
	Outcomes []job.Outcome
	Losses   []job.Loss
}

// Assemble joins the records that extractions of all partitions kept for these
// rollouts. It is pure: the order of the parts does not matter, and the same
// events give the same result, however they are spread and repeated.
func Assemble(codec *telemetry.Codec, a Assembly, parts [][]byte) (Assembled, error) {
	if err := a.Validate(); err != nil {
		return Assembled{}, err
	}
	if a.From < 0 || a.From > a.To || a.To > a.Plan.Planned() {
		return Assembled{}, fmt.Errorf("assemble %v: rollouts [%d, %d) of %d", a.Plan.Unit, a.From, a.To, a.Plan.Planned())
	}
	records, err := a.sort(parts)
	if err != nil {
		return Assembled{}, fmt.Errorf("assemble %v: %w", a.Plan.Unit, err)
	}
	joined := make([]joined, a.To-a.From)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range joined {
		group.Go(func() error {
			joined[i] = a.join(codec, a.From+i, records[i])
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Assembled{}, err
	}
	all := Assembled{Traces: make([]Trace, len(joined)), Outcomes: make([]job.Outcome, len(joined))}
	for i, j := range joined {
		all.Traces[i], all.Outcomes[i] = j.trace, j.outcome
		all.Losses = append(all.Losses, j.losses...)
		all.Add(j.tally)
	}
	return all, nil
}

// sort puts the records of each rollout together.
func (a Assembly) sort(parts [][]byte) ([][]found, error) {
	records := make([][]found, a.To-a.From)
	for _, part := range parts {
		err := readPart(part, func(f found) error {
			if f.place < a.From || f.place >= a.To {
				return fmt.Errorf("%w: it holds rollout %d, which is not in [%d, %d)", ErrCorruptPart, f.place, a.From, a.To)
			}
			records[f.place-a.From] = append(records[f.place-a.From], f)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return records, nil
}

type joined struct {
	trace   Trace
	outcome job.Outcome
	losses  []job.Loss
	tally   Tally
}

// join makes the trace of one planned rollout.
func (a Assembly) join(codec *telemetry.Codec, place int, records []found) joined {
	e := a.Executions[place]
	j := joined{outcome: job.Outcome{
		Group: e.Group, Rollout: e.Rollout, Nonce: e.Nonce, Attempts: e.Attempts, Reason: e.Reason, Detail: e.Detail,
	}}
	if e.Reason != "" {
		return j
	}
	id := a.thread(place)
	t := joinThread(codec, id, records)
	j.tally, j.outcome.Events = t.tally, len(t.events)
	trace := Trace{Group: e.Group, Rollout: e.Rollout, Task: a.Plan.Tasks[e.Group-a.Plan.First], Thread: id, Events: t.events}
	reason, detail, lost := a.complete(t, e)
	if lost != nil {
		lost.Group, lost.Rollout, lost.Detail = e.Group, e.Rollout, id+": "+detail
		j.losses = []job.Loss{*lost}
		return j
	}
	if reason == "" {
		reason, detail = trace.decide(a.Plan, a.Features)
		j.outcome.Decisions = len(trace.Decisions)
	}
	if j.outcome.Reason, j.outcome.Detail = reason, detail; reason == "" {
		j.trace = trace
	}
	return j
}

// complete says what keeps the thread from being whole, if anything. With a loss
// this is no fate yet, because the log holds less than was promised.
func (a Assembly) complete(t thread, e job.Execution) (reason job.Reason, detail string, lost *job.Loss) {
	missing, first := t.missing(e.Events)
	if missing == 0 {
		reason, detail = t.judge(e.Events)
		return reason, detail, nil
	}
	detail = fmt.Sprintf("%d of %d events are missing, the first is %d", missing, e.Events, first)
	if t.bad != "" {
		return job.CorruptTrace, detail + "; " + t.bad, nil
	}
	if !a.Spent(e.Group, e.Rollout) {
		return "", detail, &job.Loss{Kind: job.LostPromised, Partition: -1, Offset: -1}
	}
	// A log that lost its end and took a copy of an event that it still held may
	// have it at the very offset that was acknowledged for the lost one.
	if at, ok := t.copied(e.Acknowledged); ok && !a.Last {
		return "", detail + ", and at the acknowledged offset lies a copy of an earlier record", &job.Loss{Kind: job.LostOffset, Partition: at.Partition, Offset: at.Offset}
	}
	return job.IncompleteTrace, detail, nil
}
