package job

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Bounds of the protocol.
const (
	// MaxCollections bounds how often a unit is rolled out again because the
	// log lost events.
	MaxCollections = 10
	// MaxTakeOvers bounds how often one phase is taken over.
	MaxTakeOvers = 100
	// maxPending is how many evaluations may wait before training waits for them.
	maxPending = 16
)

// State is what a driver knows of a job. Make it with NewState; hand it to Next
// with each event and go on with what Next returns, never with the old one.
type State struct {
	def    Definition
	read   bool // the log was read; before that nothing may be put
	begin  *Begin
	last   *Entry        // the newest entry that is no end
	recent []*Entry      // what open steps rest on: the newest entries of the generation, last at the end
	first  int           // the step of the checkpoint that the job began from
	active time.Duration // for which the job was driven and did not stand still
	ticked time.Duration // the newest tick
	pause  *Pause        // set while the job stands still
	cancel *CancelRead

	rewind  *Damaged // what is being gone back from; nothing else may be begun
	steps   []*step  // the open training steps; the first goes on from the newest checkpoint
	eval    *sweep   // the evaluation that is under way
	pending []Pending
	results []Evaluation
	update  Update // the newest, asked for or held back
	asked   bool   // it was asked for and not abandoned
	putting bool   // an entry is being put; nothing else may be decided
	closing *Finish
	end     *End
	ended   int // the number of the end's entry
	retired bool
}

// NewState is the state of a job of which nothing is known but its definition,
// and the effects to begin with.
func NewState(def Definition) (State, []Effect) {
	return State{def: def}, []Effect{ReadLog{}}
}

// Ended says whether the job has ended and nothing is left to do.
func (s State) Ended() bool { return s.end != nil && s.retired }

// Next is the state after an event, and the effects to perform for it.
func (s State) Next(event Event) (State, []Effect) {
	before, open, known, pause := s.stage(), s.progress(), len(s.results), s.pause
	effects := s.hold(s.next(event))
	if s.end == nil && (s.stage() != before || len(s.results) != known || s.pause != pause || !slices.Equal(s.progress(), open)) {
		effects = append(effects, Report{s.head()})
	}
	return s, effects
}

func (s *State) next(event Event) []Effect {
	if s.end != nil {
		if _, ok := event.(Retired); ok {
			s.retired = true
		}
		return nil
	}
	switch e := event.(type) {
	case LogRead:
		return s.readLog(e)
	case Prepared:
		if s.last != nil || s.closing != nil {
			return nil
		}
		return s.put(Entry{N: 0, Kind: KindBegin, Begin: e.Begin})
	case EntryRead:
		return s.entryRead(e.Entry)
	case Updated:
		return s.updated(e)
	case Damaged:
		return s.damaged(e)
	case WentBack:
		return s.wentBack(e.Rewind)
	case CollectionLost:
		return s.collectionLost(e)
	case ResultRead:
		return s.evaluated(e.Evaluation)
	case EndPrepared:
		if s.closing == nil || s.closing.Entry != e.Entry {
			return nil
		}
		e.End.Evaluations = s.allResults()
		return s.put(Entry{N: e.Entry, Kind: KindEnd, Generation: s.generation(), End: e.End})
	case CancelRead:
		s.cancel = &e
		return s.advance()
	case Tick:
		s.tick(e.Active)
		return s.overdue()
	case PauseRead:
		return s.paused(e.Pause)
	case EffectFailed:
		return s.failed(e)
	case PlanRead, TakenOver, OpenedRead, ShardSettled, RangesRead:
		return s.sweepEvent(event)
	case Retired:
	}
	return nil
}

// readLog takes up the job where its log says.
func (s *State) readLog(e LogRead) []Effect {
	if s.read {
		return nil
	}
	s.read = true
	if e.Last == nil && s.cancel == nil {
		return []Effect{Prepare{}}
	}
	if e.Last == nil {
		return s.advance()
	}
	s.results, s.recent = e.Results, e.Before
	if e.Last.N != e.First.N && e.First.Begin != nil {
		s.last, s.begin, s.first = e.First, e.First.Begin, e.First.Begin.Checkpoint.Step
	}
	if e.Damaged != nil {
		return s.resumeDamaged(e)
	}
	return s.adopt(e.Last)
}

// put asks for an entry to be put; until it is read back nothing is decided.
func (s *State) put(e Entry) []Effect {
	if s.putting {
		return nil
	}
	e.Format, s.putting = EntryFormat, true
	return []Effect{PutEntry{e}}
}

// entryRead goes on from an entry that was put. When this driver wanted to end
// the job and another's commit came first, the job goes on from that: what
// failed may be behind it, and a cancel is decided anew.
func (s *State) entryRead(e *Entry) []Effect {
	if s.last != nil && (e.N <= s.last.N || e.N > s.last.N+1) {
		return nil // one in between is on its way, and open steps may rest on that
	}
	s.putting = false
	if s.closing == nil || e.Kind == KindEnd {
		return s.adopt(e)
	}
	s.closing, s.eval = nil, nil
	open := s.steps
	effects := s.adopt(e)
	return append(effects, s.goOnWith(open)...)
}

// adopt goes on from an entry, whoever wrote it.
func (s *State) adopt(e *Entry) []Effect {
	if s.last != nil && e.N <= s.last.N {
		return nil
	}
	switch e.Kind {
	case KindBegin:
		s.begin, s.first = e.Begin, e.Begin.Checkpoint.Step
		s.remember(e)
		if s.def.Evaluates(s.first, s.first) {
			s.pending = s.keepPending([]Pending{{Step: s.first, Policy: e.policy()}})
		}
	case KindCommit:
		s.committed(e.Commit.Checkpoint.Step)
		return s.goOn(e, nil)
	case KindRewind:
		return s.goOn(e, s.leave())
	case KindEnd:
		s.end, s.ended = e.End, e.N
		return []Effect{Report{s.head()}, Retire{}}
	}
	return s.advance()
}

// goOn goes on from a commit or a rewind.
func (s *State) goOn(e *Entry, effects []Effect) []Effect {
	due := s.keepPending(s.stillDue(e))
	s.remember(e)
	s.rewind, s.pending = nil, due
	return append(effects, s.advance()...)
}

// stillDue are the evaluations that are due after an entry: those that it names,
// and those that were due before and that it leaves out, because whoever wrote
// it knew their results, which this driver may not. They cost it look-ups.
func (s *State) stillDue(e *Entry) []Pending {
	named := e.Due()
	c, _ := e.NewCheckpoint()
	var due []Pending
	for _, p := range s.pending {
		left := p.Step <= c.Step && !slices.ContainsFunc(named, func(n Pending) bool { return n.Policy.Manifest == p.Policy.Manifest })
		if left {
			due = append(due, p)
		}
	}
	return append(due, named...)
}

// keepPending are the evaluations that are due, less those that this driver
// knows the result of; the one under way keeps its place.
func (s *State) keepPending(due []Pending) []Pending {
	return slices.DeleteFunc(slices.Clone(due), func(p Pending) bool {
		return slices.ContainsFunc(s.results, func(r Evaluation) bool { return r.Manifest == p.Policy.Manifest })
	})
}

// advance begins whatever can be begun now.
func (s *State) advance() []Effect {
	switch {
	case s.putting || s.closing != nil || s.rewind != nil || !s.read:
		return nil
	case s.cancel != nil:
		return s.finish(Cancelled, s.cancel.Reason, "")
	case s.last == nil:
		return nil
	}
	var effects []Effect
	if s.eval == nil && len(s.pending) > 0 {
		effects = append(effects, s.startEvaluation()...)
	}
	effects = append(effects, s.turn()...)
	switch {
	case s.closing != nil:
	case s.checkpoint().Step < s.def.Spec.Steps:
		if len(s.pending) < maxPending {
			effects = append(effects, s.openSteps()...)
		}
	case len(s.pending) == 0:
		effects = append(effects, s.finish(Done, "", "")...)
	}
	return effects
}

// checkpoint is the newest checkpoint of the log.
func (s *State) checkpoint() Checkpoint {
	c, _ := s.last.NewCheckpoint()
	return c
}

func (s *State) generation() int {
	if s.last == nil {
		return 0
	}
	return s.last.Generation
}

func (s *State) nextEntry() int {
	if s.last == nil {
		return 0
	}
	return s.last.N + 1
}

// policy refers to the checkpoint of an entry.
func (e *Entry) policy() PolicyRef {
	c, _ := e.NewCheckpoint()
	return PolicyRef{Manifest: c.Manifest, Weights: c.Weights, Entry: e.N}
}

// complete adds to a commit what the log knows: the totals so far and the
// evaluations that are due.
func (s *State) complete(c *Commit) *Commit {
	c.Totals = s.last.Counted().Plus(c.Ledger.Totals)
	c.Pending = slices.Clone(s.pending)
	if s.def.Evaluates(c.Checkpoint.Step, s.first) {
		c.Pending = append(c.Pending, Pending{
			Step:   c.Checkpoint.Step,
			Policy: PolicyRef{Manifest: c.Checkpoint.Manifest, Weights: c.Checkpoint.Weights, Entry: s.last.N + 1},
		})
	}
	return c
}

// finish ends the job: with a ledger of each open step, once.
func (s *State) finish(v Verdict, reason, remedy string) []Effect {
	if s.closing != nil || s.end != nil {
		return nil
	}
	f := Finish{Entry: s.nextEntry(), Generation: s.generation(), Verdict: v, Reason: reason, Remedy: remedy}
	s.rewind = nil
	var effects []Effect
	if s.eval != nil {
		effects = append(effects, Abandon{s.eval.unit})
	}
	f.Open = s.openRows()
	effects = append(effects, s.abandonSteps()...)
	s.closing = &f
	return append(effects, f)
}

// allResults are the results of all evaluations that were due, in the order of
// their steps.
func (s *State) allResults() []Evaluation {
	all := slices.Clone(s.results)
	for _, p := range s.keepPending(s.pending) {
		all = append(all, Evaluation{Step: p.Step, Manifest: p.Policy.Manifest, Incomplete: "the job ended before"})
	}
	slices.SortStableFunc(all, func(a, b Evaluation) int { return cmp.Compare(a.Step, b.Step) })
	return all
}

// failed ends the job, or the evaluation, whose effect cannot succeed. What
// fails for a unit that is over is no news.
func (s *State) failed(e EffectFailed) []Effect {
	switch {
	case !s.read:
		return nil // an end at entry 0 may lie in the middle of the log
	case e.Unit.Eval != "":
		if s.eval == nil || e.Unit != s.eval.unit {
			return nil
		}
		return s.incomplete(e.Reason)
	case e.Unit != Unit{} && s.sweeping(e.Unit) == nil:
		return nil
	}
	s.putting = false
	return s.finish(Broken, e.Reason, e.Remedy)
}

// overdue ends a phase that passed its deadline.
func (s *State) overdue() []Effect {
	if s.putting || s.closing != nil {
		return nil
	}
	var effects []Effect
	d := s.def.Spec.Limits.Deadlines
	if w := s.eval; w != nil && !w.over && s.active-w.began > d.Eval.Std() {
		effects = s.incomplete(fmt.Sprintf("the evaluation did not end within limits.deadlines.eval, %s", d.Eval))
	}
	if s.read && s.last == nil && s.active > d.Update.Std() {
		return s.finish(Broken, fmt.Sprintf("the job could not begin within limits.deadlines.update, %s", d.Update),
			"see whether Kafka and the object store answer")
	}
	return append(effects, s.lateStep()...)
}

// Stuck says whether a failed effect leaves this driver nothing to do: nobody
// puts an entry who has not read the log, and a job that is being ended, or has
// ended, has no other way out.
func (s State) Stuck() bool { return !s.read || s.closing != nil || s.end != nil }
