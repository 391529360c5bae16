package job

import "fmt"

// MaxGenerations bounds how often a job goes back to an earlier checkpoint.
const MaxGenerations = 10

// Rewind makes an earlier checkpoint the job's newest again, because what came
// after it can neither be read nor computed again. It begins a generation: what
// later steps store lies in folders of their own, and so do the copies that it
// names, out of reach of a driver that has not read it.
type Rewind struct {
	// To is the entry whose checkpoint it is.
	To     int    `json:"to"`
	Reason string `json:"reason"`
	// Checkpoint is that checkpoint, copied; Earlier are copies of the ones before
	// it, the newest last.
	Checkpoint Checkpoint   `json:"checkpoint"`
	Earlier    []Checkpoint `json:"earlier,omitempty"`
	// Marks is where the next step's first range begins.
	Marks []Mark `json:"marks"`
	// Totals counts the rollouts of the steps up to the checkpoint.
	Totals  Totals    `json:"totals"`
	Pending []Pending `json:"pending,omitempty"`
}

// resumeDamaged takes up a job whose newest checkpoint is damaged: nothing is
// begun from that.
func (s *State) resumeDamaged(e LogRead) []Effect {
	s.read = false
	effects := s.adopt(e.Last)
	s.read = true
	return append(effects, s.damaged(*e.Damaged)...)
}

// damaged goes back to the newest checkpoint that is whole.
func (s *State) damaged(e Damaged) []Effect {
	switch {
	case s.last == nil || s.last.N != e.Entry || s.putting || s.closing != nil:
		return nil
	case s.rewind != nil && e.To != nil && e.To.N >= s.rewind.To.N:
		return nil // it is gone back already; only if that is damaged too, further
	}
	const remedy = "see what is wrong with the job's objects: cohort checkpoint repair"
	switch {
	case e.To == nil:
		return s.finish(Broken, "no checkpoint is whole: "+e.Reason, remedy)
	case s.last.Generation >= MaxGenerations:
		return s.finish(Broken, fmt.Sprintf("the job went back %d times, and must again: %s", MaxGenerations, e.Reason), remedy)
	}
	effects := s.leave()
	s.rewind = &e
	return append(effects, GoBack{Entry: s.nextEntry(), Generation: s.last.Generation + 1, To: e.To})
}

// leave stops what is under way of a generation that ends.
func (s *State) leave() []Effect {
	var effects []Effect
	if s.eval != nil {
		effects = append(effects, Abandon{s.eval.unit})
	}
	effects = append(effects, s.abandonSteps()...)
	s.eval, s.steps = nil, nil
	return effects
}

// wentBack puts the rewind whose copies are made.
func (s *State) wentBack(r *Rewind) []Effect {
	if s.rewind == nil || s.closing != nil {
		return nil
	}
	to := s.rewind.To
	r.To, r.Reason, r.Totals = to.N, s.rewind.Reason, to.Counted()
	due := to.Due()
	if to.Begin != nil && s.def.Evaluates(s.first, s.first) {
		due = []Pending{{Step: s.first, Policy: to.policy()}}
	}
	n := s.nextEntry()
	for _, p := range s.keepPending(due) {
		if p.Policy.Manifest == r.Checkpoint.Manifest {
			p.Policy.Entry = n
		}
		r.Pending = append(r.Pending, p)
	}
	return s.put(Entry{N: n, Kind: KindRewind, Generation: s.last.Generation + 1, Rewind: r})
}

// collectionLost opens a further collection of a unit of which a record, or a
// blob that one names, is lost: it is never put back, for what was decided by
// the old one cannot be known. Later rounds of the step are looked up again.
func (s *State) collectionLost(e CollectionLost) []Effect {
	if s.closing != nil || s.rewind != nil {
		return nil
	}
	if w := s.eval; w != nil && !w.over && w.unit == e.Unit {
		if w.collection != e.Collection {
			return nil
		}
		effects, _, reason := w.again([]Loss{e.Loss}, s.active)
		if reason != "" {
			return s.incomplete(reason)
		}
		return append([]Effect{Abandon{w.unit}}, effects...)
	}
	for _, st := range s.steps {
		if effects, mine := s.collectAgain(st, e); mine {
			return effects
		}
	}
	return nil
}

// collectAgain opens a further collection of a round of a step, if that is the
// one of which something is lost.
func (s *State) collectAgain(st *step, e CollectionLost) (effects []Effect, mine bool) {
	for i, r := range st.rounds {
		if r.Plan.Unit != e.Unit || r.Collection != e.Collection {
			continue
		}
		if st.sweep != nil {
			effects = append(effects, Abandon{st.sweep.unit})
		}
		st.rounds, st.updating = st.rounds[:i:i], false
		st.sweep = &sweep{unit: e.Unit, plan: r.Plan, planned: true, resuming: true, collection: r.Collection, began: s.active}
	}
	w := st.sweep
	if w == nil || w.unit != e.Unit || w.collection != e.Collection || !w.planned {
		return nil, false
	}
	again, _, reason := w.again([]Loss{e.Loss}, s.active)
	if reason != "" {
		return append(effects, s.finish(Broken, fmt.Sprintf("step %d: %s", st.number, reason), "see cohort checkpoint repair")...), true
	}
	return append(append(effects, Abandon{w.unit}), again...), true
}
