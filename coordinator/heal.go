package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/repair"
)

// heal makes the checkpoint of entry n whole and returns its learner, and those
// of the steps before it, as many as the staleness, that the steps after it are
// planned under. Where that cannot be done it says what can be gone back to. An
// error says that the store could not be asked.
func (d *driver) heal(ctx context.Context, n, staleness int) (*learner.Learner, *job.Damaged, error) {
	line, err := repair.ReadLine(ctx, d.store, d.def.ID, n)
	if err != nil {
		return nil, nil, err
	}
	at, l, cause, err := d.repair().Whole(ctx, line.Entries, staleness)
	for err == nil && cause != "" && line.Cut != nil { // an entry is in the way
		e, stated := d.repair().Restate(ctx, line.Missing, n)
		if stated != nil && !repair.Damage(stated) {
			return nil, nil, stated
		}
		if stated != nil {
			break
		}
		d.Logger.Warn("An entry of the log was restated.", "entry", e.N)
		if line, err = repair.ReadLine(ctx, d.store, d.def.ID, n); err == nil {
			at, l, cause, err = d.repair().Whole(ctx, line.Entries, staleness)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if at == len(line.Entries)-1 && at >= 0 {
		if c, _ := line.Entries[at].NewCheckpoint(); n == d.newest() {
			d.keepLearner(c.Manifest, l)
		}
		return l, nil, nil
	}
	damaged := &job.Damaged{Entry: n, Reason: cause}
	if at >= 0 {
		damaged.To = line.Entries[at]
	} else if line.Cut != nil {
		damaged.Reason = fmt.Sprintf("%s; %s", cause, line.Cut)
	}
	return nil, damaged, nil
}

// behind is the event for a checkpoint that is damaged: where the log has gone
// on meanwhile, that of the entry after it, for then its blobs may be gone on
// purpose.
func (d *driver) behind(ctx context.Context, damaged *job.Damaged) (job.Event, error) {
	next, err := checkpoint.ReadEntry(ctx, d.store, d.def.ID, damaged.Entry+1)
	switch {
	case err == nil:
		d.keepEntry(next)
		return job.EntryRead{Entry: next}, nil
	case errors.Is(err, blob.ErrNotFound):
		d.found("The newest checkpoint is damaged and cannot be computed again.", errors.New(damaged.Reason))
		return *damaged, nil
	}
	return nil, d.unreadable(ctx, damaged.Entry+1, err)
}

// repair is what makes the job's objects again.
func (d *driver) repair() *repair.Job {
	return &repair.Job{Store: d.store, Def: &d.def, TopicPrefix: d.TopicPrefix, Known: d.known, Tell: d.restored}
}

// ends reads the first and the last entry of a log. The first is made again
// from memory if it is broken; nobody can know what the last was.
func (d *driver) ends(ctx context.Context, n int) (first, last *job.Entry, err error) {
	if last, err = checkpoint.ReadEntry(ctx, d.store, d.def.ID, n); err != nil {
		return nil, nil, d.unreadable(ctx, n, err)
	}
	if n == 0 {
		return last, last, nil
	}
	first, err = checkpoint.ReadEntry(ctx, d.store, d.def.ID, 0)
	if repair.Damage(err) {
		first, err = d.repair().Restate(ctx, 0, n)
	}
	if err != nil {
		return nil, nil, d.unreadable(ctx, 0, err)
	}
	return first, last, nil
}

// unreadable adds to the error of an entry that is there and cannot be read what
// a person can do. The last one may have been the job's end, so nothing is
// decided without it.
func (d *driver) unreadable(ctx context.Context, n int, err error) error {
	if !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	d.found("An entry of the log cannot be read.", err)
	if told := d.tellDamage(ctx); told != nil {
		return told
	}
	return &failure{
		err:    fmt.Errorf("entry %d of the log cannot be read, so the job stops: %w: run cohort checkpoint repair %s", n, err, d.def.ID),
		remedy: "run cohort checkpoint repair " + string(d.def.ID),
	}
}

// evaluateAgain puts the result of an evaluation back that is lost, if its
// records still hold it.
func (d *driver) evaluateAgain(ctx context.Context, manifest blob.Digest) (*job.Evaluation, error) {
	found, err := repair.Evaluation(ctx, d.store, d.def.ID, manifest)
	if err != nil || found == nil {
		return nil, err
	}
	event, err := d.putResult(ctx, job.PutResult{Unit: job.Unit{Job: d.def.ID, Step: found.Step, Eval: manifest}, Evaluation: *found})
	if err != nil {
		return nil, err
	}
	again := event.(job.ResultRead).Evaluation
	return &again, nil
}
