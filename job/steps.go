package job

import (
	"fmt"
	"slices"
	"time"
)

// step is an open training step. Its rounds follow each other; once they are
// over it waits for its turn: the update of the first open step goes on from the
// newest checkpoint, and no other can.
type step struct {
	number   int
	policy   PolicyRef // of all its rounds
	rounds   []Round
	marks    []Mark // where the next range begins
	sweep    *sweep // nil once the rounds are over
	resuming bool   // the last round was found, not begun
	updating bool
	since    time.Duration // when the update began
}

// unit is the newest round of the step; its update is done as a part of it.
func (s *step) unit() Unit {
	if s.sweep != nil {
		return s.sweep.unit
	}
	return s.rounds[len(s.rounds)-1].Plan.Unit
}

// stage is what is being done for the step.
func (s *step) stage() Stage {
	switch {
	case s.updating:
		return StageUpdating
	case s.sweep == nil:
		return StageReady
	case s.sweep.phase == Rollout:
		return StageRollouts
	}
	return StageCollecting
}

// openSteps opens the steps whose policy is committed: as many as the staleness
// allows beside the first.
func (s *State) openSteps() []Effect {
	var effects []Effect
	head := s.checkpoint().Step
	for n := head + 1 + len(s.steps); n <= min(head+1+s.staleness(), s.def.Spec.Steps); n++ {
		effects = append(effects, s.startStep(n)...)
		if s.closing != nil {
			break
		}
	}
	return effects
}

// startStep opens a training step with its first round.
func (s *State) startStep(n int) []Effect {
	policy, marks, ok := PolicyFor(s.recent, n, s.staleness())
	if !ok {
		return s.finish(Broken, fmt.Sprintf("step %d: no entry of the log says where the checkpoint of step %d lies", n, PolicyStep(n, s.staleness())),
			"see what is wrong with the job's objects: cohort checkpoint repair")
	}
	st := &step{number: n, policy: policy, marks: marks}
	s.steps = append(slices.Clip(s.steps), st)
	return s.startRound(st)
}

// startRound draws the next round of an open step.
func (s *State) startRound(st *step) []Effect {
	first := 0
	for _, r := range st.rounds {
		first += len(r.Plan.Tasks)
	}
	u := Unit{Job: s.def.ID, Generation: s.last.Generation, Step: st.number, Round: len(st.rounds)}
	w, effects := newSweep(s.def.PlanRound(u, st.policy, first), st.marks, s.active)
	st.sweep = w
	return effects
}

// sweeping is the open step whose newest round is u and is not over, or nil.
func (s *State) sweeping(u Unit) *step {
	for _, st := range s.steps {
		if st.sweep != nil && st.sweep.unit == u {
			return st
		}
	}
	return nil
}

// roundOver decides between a further round and the end of a step's rounds.
func (s *State) roundOver(st *step) []Effect {
	w := st.sweep
	st.rounds = append(st.rounds, Round{Plan: w.plan, Collection: w.collection, Collects: w.collects})
	st.marks = w.marks
	sampling := s.def.Spec.GRPO.DynamicSampling
	if len(st.rounds) < sampling.Rounds && teaching(Settle(st.rounds, s.def.Spec)) < sampling.MinGroups {
		return s.startRound(st)
	}
	st.sweep, st.resuming = nil, w.resuming
	return s.turn()
}

// turn begins the update of the first open step once its rounds are over. Only
// then is judged whether it can be trained on, so that a job which fails has the
// same checkpoints however far later steps have come.
func (s *State) turn() []Effect {
	if len(s.steps) == 0 || s.steps[0].sweep != nil || s.steps[0].updating {
		return nil
	}
	st := s.steps[0]
	rows := Settle(st.rounds, s.def.Spec)
	if reason := s.unusable(st.number, rows); reason != "" {
		return s.finish(Broken, reason, "see `cohort results` for the ledger, mend the agent or the spec, and submit again")
	}
	st.updating, st.since = true, s.active
	return []Effect{Update{Step: st.number, Generation: s.last.Generation, Parent: s.checkpoint(), Rounds: st.rounds, Rows: rows, Marks: st.marks, Resuming: st.resuming}}
}

// updated puts the commit of the first open step.
func (s *State) updated(e Updated) []Effect {
	if len(s.steps) == 0 || s.closing != nil || s.steps[0].number != e.Step || !s.steps[0].updating {
		return nil
	}
	return s.put(Entry{N: s.last.N + 1, Kind: KindCommit, Generation: s.last.Generation, Commit: s.complete(e.Commit)})
}

// committed closes the steps up to n.
func (s *State) committed(n int) {
	s.steps = slices.DeleteFunc(slices.Clone(s.steps), func(st *step) bool { return st.number <= n })
}

// abandonSteps stops what is under way for the open steps.
func (s *State) abandonSteps() []Effect {
	var effects []Effect
	for _, st := range s.steps {
		effects = append(effects, Abandon{st.unit()})
	}
	return effects
}

// goOnWith asks once more for what open steps wait for, those that are still
// open: while the job was being ended it was abandoned, and answers were not
// heard.
func (s *State) goOnWith(before []*step) []Effect {
	var effects []Effect
	for _, st := range before {
		if s.closing == nil && st.sweep != nil && slices.Contains(s.steps, st) {
			effects = append(effects, st.sweep.underWay()...)
		}
	}
	return effects
}

// openRows is the ledger of each open step as it stands, with its plans.
func (s *State) openRows() []OpenStep {
	var open []OpenStep
	for _, st := range s.steps {
		o := OpenStep{Step: st.number, Rounds: slices.Clone(st.rounds)}
		for _, r := range st.rounds {
			for g, outcome := range r.Outcomes() {
				if outcome.Reason == "" {
					outcome.Reason = JobEnded
				}
				o.Rows = append(o.Rows, Row{Unit: r.Plan.Unit, Task: r.Plan.Tasks[g/r.Plan.Rollouts], Outcome: outcome})
			}
		}
		if w := st.sweep; w != nil && w.planned {
			o.Rounds = append(o.Rounds, Round{Plan: w.plan})
			o.Rows = append(o.Rows, unfinished(w.plan, w.rollouts)...)
		}
		if len(o.Rows) > 0 {
			open = append(open, o)
		}
	}
	return open
}

// lateStep ends the job if a phase of an open step passed its deadline.
func (s *State) lateStep() []Effect {
	d := s.def.Spec.Limits.Deadlines
	for _, st := range s.steps {
		reason, remedy := "", ""
		switch {
		case st.sweep != nil:
			reason, remedy = st.sweep.late(s.active, d)
		case st.updating && s.active-st.since > d.Update.Std():
			reason = fmt.Sprintf("step %d: the update did not end within limits.deadlines.update, %s", st.number, d.Update)
			remedy = "give it more time, or a smaller batch"
			if s.def.Spec.Limits.GradientGroups > 0 {
				remedy = "see whether workers are alive (cohort status), or give it more time"
			}
		}
		if reason != "" {
			return s.finish(Broken, reason, remedy)
		}
	}
	return nil
}

// OpenSteps is how many training steps are under way.
func (s State) OpenSteps() int { return len(s.steps) }

// progress is what the open steps are at, if there may be several.
func (s *State) progress() []Underway {
	if s.staleness() == 0 || s.closing != nil || s.end != nil {
		return nil
	}
	var all []Underway
	for _, st := range s.steps {
		all = append(all, Underway{Step: st.number, Round: st.unit().Round, Stage: st.stage()})
	}
	return all
}
