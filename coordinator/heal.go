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

// heal makes the checkpoint of entry n whole and returns its learner. Where that
// cannot be done it says what can be gone back to. An error says that the store
// could not be asked.
func (d *driver) heal(ctx context.Context, n int) (*learner.Learner, *job.Damaged, error) {
	line, err := repair.ReadLine(ctx, d.store, d.def.ID, n)
	if err != nil {
		return nil, nil, err
	}
	at, l, cause, err := d.repair().Newest(ctx, line.Entries)
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
			at, l, cause, err = d.repair().Newest(ctx, line.Entries)
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

// goBack copies the checkpoint that the job goes back to, and the one before
// it, into the folders of the new generation, and appends the markers with which
// that begins.
func (d *driver) goBack(ctx context.Context, e job.GoBack) (job.Event, error) {
	r := &job.Rewind{}
	var err error
	if r.Checkpoint, err = d.copyCheckpoint(ctx, e.To, e.Generation); repair.Damage(err) {
		_, damaged, unanswered := d.heal(ctx, e.Entry-1)
		if damaged != nil && damaged.To != nil && damaged.To.N < e.To.N {
			return *damaged, nil
		}
		err = errors.Join(err, unanswered)
	}
	if err != nil {
		return nil, fmt.Errorf("go back to entry %d: %w", e.To.N, err)
	}
	line, err := repair.ReadLine(ctx, d.store, d.def.ID, e.To.N)
	if err != nil {
		return nil, err
	}
	if n := len(line.Entries); n > 1 {
		c, err := d.copyCheckpoint(ctx, line.Entries[n-2], e.Generation)
		switch {
		case err == nil && c.Step < r.Checkpoint.Step:
			r.Earlier = append(r.Earlier, c)
		case err != nil && !repair.Damage(err):
			return nil, err
		}
	}
	if r.Marks, err = d.appendMarks(ctx, d.topic()); err != nil {
		return nil, fmt.Errorf("go back to entry %d: %w", e.To.N, err)
	}
	d.Logger.Warn("The job goes back to an earlier checkpoint.", "step", r.Checkpoint.Step, "checkpoint", string(r.Checkpoint.Manifest), "generation", e.Generation)
	return job.WentBack{Rewind: r}, nil
}

// copyCheckpoint copies all that a checkpoint names into the folder of its step
// under another generation.
func (d *driver) copyCheckpoint(ctx context.Context, e *job.Entry, generation int) (job.Checkpoint, error) {
	c, _ := e.NewCheckpoint()
	m, state, err := checkpoint.Load(ctx, d.store, d.def.ID, c)
	if err != nil && repair.Damage(err) { // its weights were pruned, and can be computed
		m, state, err = d.again(ctx, e)
	}
	if err != nil {
		return c, err
	}
	copied, err := checkpoint.Save(ctx, d.store, d.def.ID, job.Folder{Generation: generation, Step: c.Step}, m, state, int(d.def.Spec.Checkpoint.ChunkBytes), nil)
	copied.Weights = c.Weights
	if err == nil && copied.Manifest != c.Manifest {
		err = fmt.Errorf("copy of checkpoint %s has id %s", c.Manifest, copied.Manifest)
	}
	return copied, err
}

// again computes the checkpoint of an entry.
func (d *driver) again(ctx context.Context, e *job.Entry) (*checkpoint.Manifest, *checkpoint.State, error) {
	line, err := repair.ReadLine(ctx, d.store, d.def.ID, e.N)
	if err != nil {
		return nil, nil, err
	}
	m, l, err := d.repair().Again(ctx, line.Entries)
	if err != nil {
		return nil, nil, err
	}
	return m, l.State(), nil
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
