package job

import "time"

// Pause is that somebody asked for a job to stand still.
type Pause struct {
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// tick counts the time for which the job was driven and did not stand still:
// deadlines know no other.
func (s *State) tick(active time.Duration) {
	if s.pause == nil {
		s.active += max(0, active-s.ticked)
	}
	s.ticked = max(s.ticked, active)
}

// paused takes a request to stand still or to go on. What workers do is put
// down at once; what is one exchange with the store or the log, and an update
// that this process computes alone, comes to its end, and nothing follows it.
func (s *State) paused(p *Pause) []Effect {
	stood := s.pause != nil
	if stood == (p != nil) {
		return nil
	}
	s.pause = p
	switch {
	case s.closing != nil:
		return nil
	case stood:
		return s.resumed()
	}
	var effects []Effect
	for _, w := range s.sweeps() {
		if w.driving() {
			effects = append(effects, Abandon{w.unit})
		}
	}
	if s.updating() && s.asked && s.def.Spec.Limits.GradientGroups > 0 {
		s.asked = false
		effects = append(effects, Abandon{s.steps[0].unit()})
	}
	return effects
}

// sweeps are the units that are under way.
func (s *State) sweeps() []*sweep {
	var all []*sweep
	if s.eval != nil && !s.eval.over {
		all = append(all, s.eval)
	}
	for _, st := range s.steps {
		if st.sweep != nil {
			all = append(all, st.sweep)
		}
	}
	return all
}

// updating says whether the update of the first open step is due or under way.
func (s *State) updating() bool {
	return len(s.steps) > 0 && s.steps[0].updating && !s.putting
}

// hold keeps what would begin something from a job that stands still; resumed
// finds it again in the state. A job that is being ended is ended.
func (s *State) hold(effects []Effect) []Effect {
	stands := s.pause != nil && s.closing == nil && s.end == nil
	var now []Effect
	for _, effect := range effects {
		held := false
		switch e := effect.(type) {
		case Prepare, PutPlan, Open, Drive, PutRanges:
			held = stands
		case Update:
			s.update, s.asked = e, !stands
			held = stands
		}
		if !held {
			now = append(now, effect)
		}
	}
	return now
}

// resumed is everything that a job which stood still has under way. Some of it may
// be answered already, or asked for still: doing it twice does no harm.
func (s *State) resumed() []Effect {
	switch {
	case !s.read || s.rewind != nil || s.closing != nil || s.end != nil:
		return nil
	case s.last == nil && !s.putting:
		return []Effect{Prepare{}}
	case s.last == nil:
		return nil
	}
	var effects []Effect
	for _, w := range s.sweeps() {
		effects = append(effects, w.underWay()...)
	}
	if s.updating() && !s.asked {
		u := s.update
		u.Again = true
		effects = append(effects, u)
	}
	return effects
}

// driving says whether workers have shards of the unit to do.
func (w *sweep) driving() bool { return w.planned && w.marks != nil && w.waiting > 0 }

// underWay is what the unit waits for. Its shards are looked up first: some were
// settled before the job stood still.
func (w *sweep) underWay() []Effect {
	switch {
	case !w.planned:
		return []Effect{PutPlan{w.plan}}
	case w.marks == nil:
		return []Effect{Open{w.unit, w.collection}}
	case w.waiting > 0:
		return []Effect{Drive{
			Unit: w.unit, Plan: w.plan, Collection: w.collection, Phase: w.phase, Count: w.plan.Shards(w.phase),
			Resuming: w.resuming, Again: true,
		}}
	case w.phase == Rollout:
		return []Effect{PutRanges{w.unit, w.collection, w.marks, w.settled}}
	}
	return nil
}
