package job

import "slices"

// With a staleness of k, up to 1+k steps are open at once: step n is planned
// under the checkpoint of step max(0, n-1-k), and its first range begins where
// that of the step closed. What open steps rest on is therefore named by the
// newest 1+k entries of the generation.

// PolicyStep is the step whose checkpoint the rollouts of step n run under.
func PolicyStep(n, staleness int) int { return max(0, n-1-staleness) }

// PolicyFor is the checkpoint under which step n is planned, as entries of the
// log refer to it, and where the range of its first round begins. The entries
// are the newest of a generation, the oldest first; none newer than the entry of
// step n-1 are looked at. It is false if they do not go back that far.
func PolicyFor(entries []*Entry, n, staleness int) (policy PolicyRef, marks []Mark, ok bool) {
	step := PolicyStep(n, staleness)
	for _, e := range slices.Backward(entries) {
		if c, ok := e.NewCheckpoint(); ok && c.Step == step {
			return e.policy(), e.Opening(), true
		}
		if e.Commit != nil {
			continue
		}
		for _, c := range e.Copies() {
			if c.Step == step {
				return PolicyRef{Manifest: c.Manifest, Weights: c.Weights, Entry: e.N}, e.Opening(), true
			}
		}
		break // it begins the generation
	}
	return PolicyRef{}, nil, false
}

// RoundRef names a round in the commit of its step.
func (d *Definition) RoundRef(r Round) RoundRef {
	ref := RoundRef{Round: r.Plan.Unit.Round, Collection: r.Collection}
	if d.Spec.GRPO.Staleness > 0 {
		policy := r.Plan.Policy
		ref.Policy = &policy
	}
	return ref
}

// Copies are the checkpoints of earlier steps that lie beside the one that the
// entry makes the newest, the newest last: what the first steps after it are
// planned under.
func (e *Entry) Copies() []Checkpoint {
	switch {
	case e.Begin != nil:
		return e.Begin.Earlier
	case e.Rewind != nil:
		return e.Rewind.Earlier
	}
	return nil
}

// Holding is the checkpoint of a manifest, if the entry says where it lies.
func (e *Entry) Holding(p PolicyRef) (c Checkpoint, ok bool) {
	if c, ok = e.NewCheckpoint(); ok && c.Manifest == p.Manifest {
		return c, true
	}
	for _, c := range e.Copies() {
		if c.Manifest == p.Manifest {
			return c, true
		}
	}
	return Checkpoint{}, false
}

// remember keeps an entry that was adopted, with those before it that open steps
// rest on.
func (s *State) remember(e *Entry) {
	var before []*Entry
	if n := len(s.recent); e.Commit != nil && n > 0 && s.recent[n-1].N == e.N-1 {
		before = s.recent[max(0, n-s.staleness()):]
	}
	s.last = e
	s.recent = append(append([]*Entry{}, before...), e)
}

func (s *State) staleness() int { return s.def.Spec.GRPO.Staleness }
