package job_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// twins drives two machines through the same random life of a job. The second
// is told again and again what it was told before.
type twins struct {
	t       *rapid.T
	def     job.Definition
	a, b    job.State
	open    []pair // effects without an answer
	told    []job.Event
	shards  []job.Event // answers to Drive that are on their way
	trouble int         // how much may still go wrong
	entries int         // of the log
	steps   int         // committed
}

// pair is an effect of each machine.
type pair struct{ a, b job.Effect }

// TestLateAndRepeatedEventsChangeNothing: an event that was told once has no
// effect when it is told again, at any time, in any order, and the job goes on
// as if it had not been.
func TestLateAndRepeatedEventsChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newTwins(t)
		for turns := 0; !w.a.Ended(); turns++ {
			if turns > 2000 || len(w.open) == 0 && len(w.shards) == 0 {
				t.Fatalf("the job hangs after %d turns with %d effects open", turns, len(w.open))
			}
			w.turn()
		}
		if !w.b.Ended() {
			t.Fatal("the machine that was told twice has not ended")
		}
	})
}

func newTwins(t *rapid.T) *twins {
	s, err := spec.Decode("small.yaml", []byte(smallSpec))
	if err != nil {
		t.Fatal(err)
	}
	s.Steps = rapid.IntRange(1, 3).Draw(t, "steps")
	s.Traces.Partitions = rapid.IntRange(1, 2).Draw(t, "partitions")
	s.Limits.CollectRollouts = rapid.SampledFrom([]int{2, 100}).Draw(t, "collect_rollouts")
	s.GRPO.DynamicSampling.Rounds, s.GRPO.DynamicSampling.MinGroups = rapid.IntRange(1, 2).Draw(t, "rounds"), 2
	s.GRPO.Staleness = rapid.IntRange(0, 2).Draw(t, "staleness")
	if rapid.Bool().Draw(t, "evaluate") {
		s.Eval = &spec.Eval{Every: 1}
	}
	w := &twins{t: t, trouble: 6, def: job.Definition{
		ID: "twin", Spec: s, Tasks: job.DataSet{Lines: 5}, Eval: job.DataSet{Lines: 3},
	}}
	var first, second []job.Effect
	w.a, first = job.NewState(w.def)
	w.b, second = job.NewState(w.def)
	w.add(first, second)
	return w
}

// turn tells both machines the next event, and the second something it knows.
func (w *twins) turn() {
	for range rapid.IntRange(0, 2).Draw(w.t, "repetitions") {
		if len(w.told) == 0 {
			break
		}
		event := w.told[rapid.IntRange(0, len(w.told)-1).Draw(w.t, "repeated")]
		var effects []job.Effect
		if w.b, effects = w.b.Next(event); len(effects) > 0 {
			w.t.Fatalf("%T, told again, has the effect %s", event, show(effects[0]))
		}
	}
	n := rapid.IntRange(0, len(w.open)+len(w.shards)-1).Draw(w.t, "next")
	if n < len(w.shards) {
		event := w.shards[n]
		w.shards = append(w.shards[:n:n], w.shards[n+1:]...)
		w.tell(event, event)
		return
	}
	n -= len(w.shards)
	p := w.open[n]
	w.open = append(w.open[:n:n], w.open[n+1:]...)
	w.answer(p)
}

// tell hands an event to both, each its own copy, for the machine completes
// entries in place.
func (w *twins) tell(a, b job.Event) {
	var first, second []job.Effect
	w.a, first = w.a.Next(a)
	w.b, second = w.b.Next(b)
	w.told = append(w.told, b)
	w.add(first, second)
}

func (w *twins) add(first, second []job.Effect) {
	if len(first) != len(second) {
		w.t.Fatalf("%d effects, and %d of the machine that was told twice", len(first), len(second))
	}
	for i := range first {
		if x, y := show(first[i]), show(second[i]); x != y {
			w.t.Fatalf("effect %s, and %s of the machine that was told twice", x, y)
		}
		switch e := first[i].(type) {
		case job.Report, job.Abandon:
			continue
		case job.PutEntry:
			if e.Entry.N != w.entries {
				w.t.Fatalf("entry %d is put after %d entries", e.Entry.N, w.entries)
			}
		}
		w.open = append(w.open, pair{first[i], second[i]})
	}
}

// accident says whether something goes wrong now.
func (w *twins) accident(what string) bool {
	if w.trouble == 0 || rapid.IntRange(0, 5).Draw(w.t, what) > 0 {
		return false
	}
	w.trouble--
	return true
}

// answer tells both what came of an effect.
func (w *twins) answer(p pair) {
	switch e := p.a.(type) {
	case job.ReadLog:
		w.tell(job.LogRead{}, job.LogRead{})
	case job.Prepare:
		w.tell(job.Prepared{Begin: w.begin()}, job.Prepared{Begin: w.begin()})
	case job.PutEntry:
		w.answerEntry(e.Entry, p.b.(job.PutEntry).Entry)
	case job.PutPlan:
		if want := manifest(job.PolicyStep(e.Plan.Unit.Step, w.def.Spec.GRPO.Staleness)); e.Plan.Unit.Eval == "" && e.Plan.Policy.Manifest != want {
			w.t.Fatalf("step %d is planned under %s, want %s", e.Plan.Unit.Step, manifestName(e.Plan.Policy.Manifest), manifestName(want))
		}
		event := job.PlanRead{Plan: e.Plan, Existed: rapid.Bool().Draw(w.t, "existed")}
		w.tell(event, event)
	case job.Open:
		event := job.OpenedRead{Unit: e.Unit, Collection: e.Collection, Marks: marksNamed(&w.def, fmt.Sprint("opened ", e.Collection))}
		w.tell(event, event)
	case job.Drive:
		if e.Resuming {
			w.tell(job.TakenOver{Unit: e.Unit, N: 1}, job.TakenOver{Unit: e.Unit, N: 1})
		}
		w.drive(e)
	case job.PutRanges:
		event := job.RangesRead{Unit: e.Unit, Collection: e.Collection, Ranges: &job.Ranges{}}
		if w.accident("opening marker lost") {
			event.Ranges.Losses = []job.Loss{{Kind: job.LostMarker}}
		} else {
			for _, m := range marksNamed(&w.def, fmt.Sprint("closed ", e.Collection)) {
				event.Ranges.Ranges = append(event.Ranges.Ranges, job.Range{Closing: m})
			}
		}
		w.tell(event, event)
	case job.Update:
		w.tell(updatedOf(e), updatedOf(e))
	case job.PutResult:
		w.tell(job.ResultRead{Evaluation: e.Evaluation}, job.ResultRead{Evaluation: e.Evaluation})
	case job.Finish:
		w.tell(endOf(e), endOf(e))
	case job.Retire:
		w.tell(job.Retired{}, job.Retired{})
	}
}

func (w *twins) begin() *job.Begin {
	return &job.Begin{Marks: marksNamed(&w.def, "begin"), Checkpoint: checkpointOf(0)}
}

func updatedOf(e job.Update) job.Updated {
	return job.Updated{Step: e.Step, Commit: &job.Commit{
		Checkpoint: checkpointOf(e.Step), Marks: e.Marks, Ledger: job.LedgerRef{Step: e.Step, Totals: job.Count(e.Rows)},
	}}
}

func endOf(e job.Finish) job.EndPrepared {
	return job.EndPrepared{Entry: e.Entry, End: &job.End{Verdict: e.Verdict, Reason: e.Reason}}
}

// answerEntry reads the entry back, or that of another driver.
func (w *twins) answerEntry(a, b job.Entry) {
	w.entries++
	if a.Kind == job.KindEnd && w.steps < w.def.Spec.Steps && w.accident("another committed first") ||
		a.Kind == job.KindCommit && w.accident("another committed the same") {
		w.steps++
		e := &job.Entry{N: a.N, Kind: job.KindCommit, Commit: &job.Commit{Checkpoint: checkpointOf(w.steps), Marks: marksNamed(&w.def, "another")}}
		w.tell(job.EntryRead{Entry: e}, job.EntryRead{Entry: e})
		return
	}
	if a.Kind == job.KindCommit {
		w.steps++
		if a.Commit.Totals.Used+a.Commit.Totals.Dropped+a.Commit.Totals.Failed != a.Commit.Totals.Planned {
			w.t.Fatalf("totals %+v", a.Commit.Totals)
		}
	}
	w.tell(job.EntryRead{Entry: &a}, job.EntryRead{Entry: &b})
}

// drive settles the shards, to be told in any order, or fails an evaluation.
func (w *twins) drive(e job.Drive) {
	if e.Unit.Eval != "" && w.accident("evaluation fails") {
		event := job.EffectFailed{Unit: e.Unit, Reason: "tested"}
		w.tell(event, event)
		return
	}
	var plan *job.Plan
	if e.Unit.Eval != "" {
		plan = w.def.PlanEvaluation(e.Unit, job.PolicyRef{})
	} else {
		plan = w.def.PlanRound(e.Unit, job.PolicyRef{}, e.Unit.Round*w.def.Spec.Tasks.Groups)
	}
	for i := range e.Count {
		shard := job.Shard{Unit: e.Unit, Collection: e.Collection, Phase: e.Phase, Index: i}
		w.shards = append(w.shards, w.settled(plan, shard))
	}
	if e.Unit.Eval == "" && w.accident("cancelled") {
		w.tell(job.CancelRead{Reason: "tested"}, job.CancelRead{Reason: "tested"})
	}
}

func (w *twins) settled(plan *job.Plan, s job.Shard) job.ShardSettled {
	event := job.ShardSettled{Shard: s, Digest: blob.DigestOf([]byte(s.String()))}
	var losses []job.Loss
	if s.Phase != job.Rollout && w.accident("events lost") {
		losses = []job.Loss{{Kind: job.LostOffset}}
	}
	from, to := plan.Span(s.Phase, s.Index)
	switch s.Phase {
	case job.Rollout:
		event.Rollout = new(job.RolloutRecord)
		for ; from < to; from++ {
			g, r := plan.At(from)
			event.Rollout.Executions = append(event.Rollout.Executions, job.Execution{Group: g, Rollout: r})
		}
	case job.Extract:
		event.Extract = &job.ExtractRecord{Losses: losses}
	case job.Collect, job.Assemble:
		event.Collect = &job.CollectRecord{Losses: losses}
		for ; from < to && losses == nil; from++ {
			g, r := plan.At(from)
			event.Collect.Outcomes = append(event.Collect.Outcomes, drawOutcome(w.t, g, r))
		}
	}
	return event
}
