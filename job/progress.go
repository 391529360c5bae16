package job

import (
	"fmt"
	"strings"
)

// startEvaluation begins the first evaluation that is due.
func (s *State) startEvaluation() []Effect {
	p := s.pending[0]
	u := Unit{Job: s.def.ID, Step: p.Step, Eval: p.Policy.Manifest}
	w, effects := newSweep(s.def.PlanEvaluation(u, p.Policy), nil, s.active)
	s.eval = w
	return effects
}

// sweepEvent hands an event to the unit that it is of.
func (s *State) sweepEvent(event Event) []Effect {
	if s.closing != nil {
		return nil
	}
	u := unitOf(event)
	if w := s.eval; w != nil && !w.over && u == w.unit {
		effects, done, reason := w.next(event, s.active)
		switch {
		case reason != "":
			return append(effects, s.incomplete(reason)...)
		case done:
			return append(effects, PutResult{w.unit, Evaluated(w.plan, w.collects)})
		}
		return effects
	}
	st := s.sweeping(u)
	if st == nil {
		return nil
	}
	effects, done, reason := st.sweep.next(event, s.active)
	switch {
	case reason != "":
		return append(effects, s.finish(Broken, fmt.Sprintf("step %d: %s", st.number, reason),
			"see docs/operations.md, \"A log that loses events\"")...)
	case done:
		return append(effects, s.roundOver(st)...)
	}
	return effects
}

func unitOf(event Event) Unit {
	switch e := event.(type) {
	case PlanRead:
		return e.Plan.Unit
	case TakenOver:
		return e.Unit
	case OpenedRead:
		return e.Unit
	case ShardSettled:
		return e.Shard.Unit
	case RangesRead:
		return e.Unit
	default:
		return Unit{}
	}
}

// unusable is why a step cannot be trained on, or empty: no rollout at all had
// a reward, or fewer were used than the spec asks for.
func (s *State) unusable(step int, rows []Row) string {
	scored := 0
	counts := map[Reason]int{}
	for i := range rows {
		counts[rows[i].Reason]++
		if rows[i].Reward != nil {
			scored++
		}
	}
	t := Count(rows)
	switch {
	case scored == 0:
		return fmt.Sprintf("step %d: none of %d rollouts has a reward: %s%s", step, t.Planned, describe(counts), instance(rows))
	case float64(t.Used) < s.def.Spec.Limits.MinUsed*float64(t.Planned):
		return fmt.Sprintf("step %d: %d of %d rollouts were used, and limits.min_used asks for a share of %g: %s%s",
			step, t.Used, t.Planned, s.def.Spec.Limits.MinUsed, describe(counts), instance(rows))
	}
	return ""
}

// instance is what the first rollout that says more than its reason says.
func instance(rows []Row) string {
	const most = 300 // bytes
	for i := range rows {
		if o := &rows[i].Outcome; o.Reason != "" && o.Detail != "" {
			return fmt.Sprintf("; rollout %d/%d: %s", o.Group, o.Rollout, strings.ToValidUTF8(o.Detail[:min(len(o.Detail), most)], ""))
		}
	}
	return ""
}

// describe lists how often each reason occurs, in the order in which reasons
// are looked for.
func describe(counts map[Reason]int) string {
	text := ""
	for _, r := range []Reason{
		AgentError, AgentTimeout, AgentCrashed, IncompleteTrace, CorruptTrace, StalePolicy,
		NoDecision, NoReward, RewardFailed, InvalidReward, NoThread, GroupTooSmall, ZeroVariance, Surplus,
	} {
		if counts[r] > 0 {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprintf("%d %s", counts[r], r)
		}
	}
	return text
}

// Evaluated is the result of an evaluation whose collection is over.
func Evaluated(plan *Plan, collects []*CollectRecord) Evaluation {
	result := Evaluation{Step: plan.Unit.Step, Manifest: plan.Unit.Eval}
	sum := 0.0
	for _, o := range (Round{Plan: plan, Collects: collects}).Outcomes() {
		result.Totals.Add(o.Reason)
		if o.Reward != nil {
			sum += *o.Reward
			result.Scored++
		}
	}
	if result.Scored > 0 {
		result.Mean = sum / float64(result.Scored)
	}
	return result
}

// incomplete ends the evaluation that is under way without a result.
func (s *State) incomplete(reason string) []Effect {
	if s.eval == nil || s.eval.over {
		return nil
	}
	s.eval.over = true
	u := s.eval.unit
	return []Effect{Abandon{u}, PutResult{u, Evaluation{Step: u.Step, Manifest: u.Eval, Incomplete: reason}}}
}

// evaluated takes the result of an evaluation, ours or another's.
func (s *State) evaluated(result Evaluation) []Effect {
	if s.eval == nil || s.eval.unit.Eval != result.Manifest {
		return nil
	}
	s.eval = nil
	s.results = append(s.results, result)
	s.pending = s.keepPending(s.pending)
	return s.advance()
}

// stage is what the job is doing.
func (s *State) stage() Stage {
	switch {
	case s.end != nil:
		return StageEnded
	case s.closing != nil:
		return StageEnding
	case s.last == nil, s.rewind != nil:
		return StageStarting
	case len(s.steps) == 0:
		return StageEvaluating
	}
	return s.steps[0].stage()
}

// head is the hint of the job's progress.
func (s *State) head() Head {
	h := Head{
		Format: HeadFormat, Entry: -1, Stage: s.stage(), Steps: s.def.Spec.Steps,
		Evaluations: s.results, End: s.end, Open: s.progress(),
	}
	if s.end == nil {
		h.Paused = s.pause
	}
	if s.last != nil {
		s.describe(&h)
	}
	if s.end != nil {
		h.Entry = s.ended
	}
	return h
}

// describe fills in what the newest begin or commit says.
func (s *State) describe(h *Head) {
	h.Entry, h.Generation = s.last.N, s.last.Generation
	c := s.checkpoint()
	h.Step, h.Checkpoint = c.Step, c.Manifest
	h.Totals = s.last.Counted()
	if c := s.last.Commit; c != nil {
		h.Metrics = c.Metrics
	}
}
