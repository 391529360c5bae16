package repair

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
	"github.com/cohort-rl/cohort/retention"
)

// Lost is an object that cannot be made again.
type Lost struct {
	Key string `json:"key"`
	Why string `json:"why"`
	// Needed says what depends on it.
	Needed string `json:"needed"`
}

// Report is what the repair of a whole job came to.
type Report struct {
	Job job.ID `json:"job"`
	// Restored are the objects that were put back, Lost those that cannot be.
	Restored []Finding `json:"restored"`
	Lost     []Lost    `json:"lost"`
	// Step and Checkpoint are the newest that is whole, -1 and empty if none is.
	Step       int         `json:"step"`
	Checkpoint blob.Digest `json:"checkpoint,omitempty"`
	// Back says why the job will go back to that from a newer one when it is
	// driven again, or, if it has ended, that it cannot; empty if it is the newest.
	Back string `json:"back,omitempty"`
	// Ended says that the job has ended.
	Ended bool `json:"ended"`
}

// Whole says whether nothing is lost.
func (r *Report) Whole() bool { return len(r.Lost) == 0 && r.Back == "" }

// All looks at every object that the job's checkpoints depend on, puts back
// what can be made again, and reports what cannot. What was pruned is not looked
// for.
func (j *Job) All(ctx context.Context) (*Report, error) {
	a := &all{Job: *j, report: &Report{Job: j.Def.ID, Step: -1, Restored: []Finding{}, Lost: []Lost{}}}
	var err error
	if a.pruned, err = retention.Pruned(ctx, j.Store, j.Def.ID); err != nil {
		return nil, err
	}
	a.Tell = func(f Finding) { a.report.Restored = append(a.report.Restored, f) }
	if err := a.data(ctx); err != nil {
		return nil, err
	}
	last, err := checkpoint.LastEntry(ctx, j.Store, j.Def.ID, -1)
	if err != nil || last < 0 {
		return a.report, err
	}
	if err := a.head(ctx); err != nil {
		return nil, err
	}
	if err := a.log(ctx, last); err != nil {
		return nil, err
	}
	line, err := ReadLine(ctx, j.Store, j.Def.ID, last)
	for n := last; err == nil && n > 0 && len(line.Entries) == 0 && line.Cut != nil; n-- {
		line, err = ReadLine(ctx, j.Store, j.Def.ID, n-1)
	}
	if err != nil {
		return nil, err
	}
	if err := a.checkpoints(ctx, line.Entries); err != nil {
		return nil, err
	}
	for i, e := range line.Entries {
		if e.Commit == nil {
			continue
		}
		if err := a.records(ctx, line.Entries, i); err != nil {
			return nil, err
		}
	}
	if err := a.evaluations(ctx, last); err != nil {
		return nil, err
	}
	return a.report, a.rest(ctx)
}

// all is a repair under way.
type all struct {
	Job
	report *Report
}

// lose notes what cannot be made again, unless err says that the store could not
// be asked.
func (a *all) lose(key string, err error, needed string) error {
	if !Damage(err) {
		return err
	}
	a.report.Lost = append(a.report.Lost, Lost{key, err.Error(), needed})
	return nil
}

// data looks at the data sets, which came from outside.
func (a *all) data(ctx context.Context) error {
	for _, set := range []job.DataSet{a.Def.Tasks, a.Def.Eval, a.Def.Threads} {
		if set.Blob.Digest == "" || set == a.Def.Tasks && set.Lines == 0 {
			continue
		}
		key := a.Def.ID.DataKey(set.Blob.Digest)
		if _, err := blob.GetContent(ctx, a.Store, key, set.Blob.Digest); err != nil {
			if err := a.lose(key, err, "every rollout that is still to run; put the file there again that was submitted"); err != nil {
				return err
			}
		}
		if a.Def.Eval == a.Def.Tasks && !a.Def.Offline() {
			break
		}
	}
	return nil
}

// log restates the entries that cannot be read.
func (a *all) log(ctx context.Context, last int) error {
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, a.Store, a.Def.ID, n)
		if err == nil {
			a.report.Ended = e.End != nil
			continue
		}
		if !Damage(err) {
			return err
		}
		if _, err = a.Restate(ctx, n, last); err == nil {
			continue
		}
		needed := "where the blobs of its checkpoint lie, and what its step did; the checkpoints after it are whole without it"
		if n == last {
			needed = fmt.Sprintf("whether the job has ended, and everything after entry %d: say --forget-last-entry if the job is to go on from entry %d", n, n-1)
		}
		if err := a.lose(a.Def.ID.LogKey(n), err, needed); err != nil {
			return err
		}
	}
	return nil
}

// checkpoints goes through the line from its beginning, so that each checkpoint
// can be made again from the one before it.
func (a *all) checkpoints(ctx context.Context, line []*job.Entry) error {
	var l *learner.Learner
	for i, e := range line {
		c, _ := e.NewCheckpoint()
		found, err := a.checkpoint(ctx, l, line, i)
		if err == nil {
			l, a.report.Step, a.report.Checkpoint, a.report.Back = found, c.Step, c.Manifest, ""
			continue
		}
		if l = nil; a.isPruned(e) {
			continue
		}
		key := a.Def.ID.StepPrefix(c.Folder.Generation, c.Folder.Step) + string(c.Manifest)
		needed := "the steps after it can be replayed no more"
		if i == len(line)-1 {
			needed = "the job's newest checkpoint"
			a.report.Back = err.Error()
		}
		if err := a.lose(key, err, needed); err != nil {
			return err
		}
	}
	return nil
}

// checkpoint reads a checkpoint, or makes it again from l, the one before it.
func (a *all) checkpoint(ctx context.Context, l *learner.Learner, line []*job.Entry, i int) (*learner.Learner, error) {
	found, err := a.read(ctx, line, i)
	switch {
	case err == nil || !Damage(err):
		return found, err
	case line[i].Begin != nil:
		return a.first(ctx, line)
	case l == nil:
		return nil, err
	}
	again, cause := a.replay(ctx, l, line, i)
	if cause != nil && Damage(cause) {
		cause = fmt.Errorf("%w, and cannot be computed again: %w", err, cause)
	}
	return again, cause
}

// records looks at what a committed step was made of: its plans, its batch, its
// ledger and the records of its collections.
func (a *all) records(ctx context.Context, line []*job.Entry, i int) error {
	e, step := line[i], line[i].Commit.Checkpoint.Step
	for _, part := range e.Commit.Batch.Parts {
		key := a.Def.ID.StepPrefix(e.Generation, step) + string(part.Blob.Digest)
		if _, err := blob.GetContent(ctx, a.Store, key, part.Blob.Digest); err != nil {
			if err := a.lose(key, err, fmt.Sprintf("step %d can be replayed no more; its checkpoint does not depend on it", step)); err != nil {
				return err
			}
		}
	}
	if i == 0 {
		return nil // the entry before it cannot be read
	}
	plans, err := replay.Plans(a.Def, line[i-1], e)
	if err != nil {
		return err
	}
	for k, p := range plans {
		if err := a.plan(ctx, p); err != nil {
			return err
		}
		if _, _, err := collected(ctx, a.Store, p, e.Commit.Rounds[k].Collection); err != nil {
			key := job.Shard{Unit: p.Unit, Collection: e.Commit.Rounds[k].Collection, Phase: p.CollectPhases()[0]}.SettledKey()
			if err := a.lose(key, err, fmt.Sprintf("who collected step %d and when; its ledger holds the rest", step)); err != nil {
				return err
			}
		}
	}
	return a.ledger(ctx, plans, line[i-1], e)
}

func (a *all) plan(ctx context.Context, p *job.Plan) error {
	_, _, err := records.Read[job.Plan](ctx, a.Store, p.Unit.PlanKey(), job.PlanFormat)
	if err == nil || !Damage(err) {
		return err
	}
	m, err := records.Mend(ctx, a.Store, p.Unit.PlanKey(), job.PlanFormat, p)
	if err == nil {
		a.Tell(Finding{Key: p.Unit.PlanKey(), Quarantined: m.Quarantined, Done: "computed again"})
	}
	return err
}

// ledger looks at a step's ledger, and makes it again from the records.
func (a *all) ledger(ctx context.Context, plans []*job.Plan, parent, e *job.Entry) error {
	for _, part := range e.Commit.Ledger.Parts {
		key := a.Def.ID.StepPrefix(e.Generation, e.Commit.Ledger.Step) + string(part.Digest)
		_, err := blob.GetContent(ctx, a.Store, key, part.Digest)
		if err == nil {
			continue
		}
		if Damage(err) {
			err = a.ledgerAgain(ctx, plans, parent, e, key, part.Digest, err)
		}
		if err != nil {
			if err := a.lose(key, err, fmt.Sprintf("the fates of the rollouts of step %d; no checkpoint depends on it", e.Commit.Ledger.Step)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *all) ledgerAgain(ctx context.Context, plans []*job.Plan, parent, e *job.Entry, key string, want blob.Digest, found error) error {
	rounds, err := replay.Rounds(ctx, a.Store, a.Def, parent, e)
	if err != nil {
		return fmt.Errorf("%w, and cannot be made again: %w", found, err)
	}
	files, err := replay.Ledger(plans, job.Settle(rounds, a.Def.Spec))
	if err != nil {
		return fmt.Errorf("%w, and cannot be made again: %w", found, err)
	}
	for _, file := range files {
		if blob.DigestOf(file) != want {
			continue
		}
		placed, err := blob.PutContent(ctx, a.Store, key, file)
		if err == nil {
			a.Tell(Finding{Key: key, Quarantined: placed.Quarantined, Done: "made again from the records of the step"})
		}
		return err
	}
	return fmt.Errorf("%w, and this version writes it otherwise", found)
}

// evaluations looks at the plans and results of evaluations.
func (a *all) evaluations(ctx context.Context, last int) error {
	results, err := Results(ctx, a.Store, a.Def.ID)
	if err != nil {
		return err
	}
	for _, r := range results {
		if err := a.evaluated(ctx, r.Manifest, last); err != nil {
			return err
		}
		if r.Broken == nil {
			continue
		}
		key := job.Unit{Job: a.Def.ID, Eval: r.Manifest}.ResultKey()
		again, err := Evaluation(ctx, a.Store, a.Def.ID, r.Manifest)
		if err != nil {
			return err
		}
		if again == nil {
			if a.report.Ended || !NotFound(r.Broken) {
				if err := a.lose(key, r.Broken, "the result of an evaluation; the end of the job's log has it too, if the job has ended"); err != nil {
					return err
				}
			}
			continue
		}
		m, err := records.Mend(ctx, a.Store, key, job.ResultFormat, &job.EvaluationRecord{Format: job.ResultFormat, Evaluation: *again})
		if err != nil {
			return err
		}
		a.Tell(Finding{Key: key, Quarantined: m.Quarantined, Done: "computed again from its records"})
	}
	return nil
}
