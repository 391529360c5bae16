package repair

import (
	"cmp"
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
)

// Held is a checkpoint as an entry of a line says where it lies.
type Held struct {
	// At is the place of the entry in the line.
	At         int
	Checkpoint job.Checkpoint
	// Copy says that the entry names it beside the one that it makes the newest.
	Copy bool
}

// Before are the checkpoints of the n steps before that of place m of a line,
// the newest first, each as the steps after m refer to it. There are fewer where
// the steps begin, or where the line does not go back that far.
func Before(line []*job.Entry, m, n int) []Held {
	var found []Held
	newest, _ := line[m].NewCheckpoint()
	i := m
	for step := newest.Step - 1; step >= max(0, newest.Step-n); step-- {
		h, ok := Held{}, false
		for ; i >= 0 && !ok; i-- {
			if h, ok = holding(line[i], step); ok {
				h.At = i
				break // the entry may hold the step before, too
			}
		}
		if !ok {
			break
		}
		found = append(found, h)
	}
	return found
}

// holding is the checkpoint of a step that an entry names.
func holding(e *job.Entry, step int) (Held, bool) {
	if c, _ := e.NewCheckpoint(); c.Step == step {
		return Held{Checkpoint: c}, true
	}
	for _, c := range e.Copies() {
		if c.Step == step {
			return Held{Checkpoint: c, Copy: true}, true
		}
	}
	return Held{}, false
}

// Whole makes what the next steps need of a line whole: its newest checkpoint
// and those of the steps before it, as many as the staleness, under which they
// are planned. It returns the newest place of which all that is whole, -1 if
// there is none; cause says why none after it is, and the learner is that of the
// line's end, nil if the job must go back.
func (j *Job) Whole(ctx context.Context, line []*job.Entry, staleness int) (at int, l *learner.Learner, cause string, err error) {
	at, l, cause, err = j.Newest(ctx, line)
	for err == nil && at >= 0 {
		back, why, failed := j.lost(ctx, line, at, staleness)
		if err = failed; err != nil || why == "" {
			break
		}
		at, l, cause = back, nil, cmp.Or(cause, why)
	}
	return at, l, cause, err
}

// lost says why a checkpoint that the steps after a place need is not whole,
// empty if all are, and to which place before it to go back.
func (j *Job) lost(ctx context.Context, line []*job.Entry, at, staleness int) (back int, why string, err error) {
	newest, _ := line[at].NewCheckpoint()
	held := Before(line, at, staleness)
	for _, h := range held {
		until := h.At
		if h.Copy {
			err := j.copied(ctx, line, h)
			if err == nil {
				continue
			}
			if !Damage(err) {
				return 0, "", err
			}
			for why = err.Error(); until >= 0; until-- {
				if c, _ := line[until].NewCheckpoint(); c.Step < h.Checkpoint.Step {
					break
				}
			}
		}
		whole, _, cause, err := j.Newest(ctx, line[:until+1])
		if err != nil || whole != h.At || h.Copy {
			return whole, cmp.Or(why, cause), err
		}
	}
	if missing := min(staleness, newest.Step) - len(held); missing > 0 {
		return -1, fmt.Sprintf("no entry of the log that can be read says where the checkpoint of step %d lies", newest.Step-len(held)-1), nil
	}
	return at, "", nil
}

// copied makes a copy whole that an entry names.
func (j *Job) copied(ctx context.Context, line []*job.Entry, h Held) error {
	_, err := replay.Load(ctx, j.Store, j.Def, h.Checkpoint)
	if err == nil || !Damage(err) {
		return err
	}
	m, state, err := j.original(ctx, line, h)
	if err != nil {
		return err
	}
	image, err := checkpoint.NewImage(m, state, int(j.Def.Spec.Checkpoint.ChunkBytes))
	if err != nil {
		return err
	}
	return j.restore(ctx, h.Checkpoint, image, "copied again")
}

// Read loads a checkpoint of a line, or computes it if it is not whole or was
// pruned.
func (j *Job) Read(ctx context.Context, line []*job.Entry, h Held) (*checkpoint.Manifest, *checkpoint.State, error) {
	m, state, err := checkpoint.Load(ctx, j.Store, j.Def.ID, h.Checkpoint)
	switch {
	case err == nil || !Damage(err):
		return m, state, err
	case h.Copy:
		return j.original(ctx, line, h)
	}
	return j.again(ctx, line[:h.At+1])
}

func (j *Job) again(ctx context.Context, line []*job.Entry) (*checkpoint.Manifest, *checkpoint.State, error) {
	m, l, err := j.Again(ctx, line)
	if err != nil {
		return nil, nil, err
	}
	return m, l.State(), nil
}

// original finds what a copy is of: an older entry of the line, or of the job
// that this one continues.
func (j *Job) original(ctx context.Context, line []*job.Entry, h Held) (*checkpoint.Manifest, *checkpoint.State, error) {
	for i := h.At - 1; i >= 0; i-- {
		if older, ok := holding(line[i], h.Checkpoint.Step); ok && older.Checkpoint.Manifest == h.Checkpoint.Manifest {
			older.At = i
			return j.Read(ctx, line, older)
		}
	}
	begin := line[0].Begin
	if begin == nil || begin.Start == "" {
		return nil, nil, fmt.Errorf("the checkpoint of step %d that was copied is not known: %w", h.Checkpoint.Step, errUnknown)
	}
	found, err := replay.StartOf(ctx, j.Store, j.Def, begin)
	if err != nil {
		return nil, nil, err
	}
	earlier, err := Earlier(ctx, j.Store, j.Tell, found, begin.Checkpoint.Step-h.Checkpoint.Step)
	if err != nil {
		return nil, nil, err
	}
	return earlier[0].Manifest, earlier[0].State, nil
}

// beganBeside are the copies that a begin names beside its checkpoint.
func (j *Job) beganBeside(ctx context.Context, b *job.Begin, staleness int) ([]job.Checkpoint, error) {
	found, err := replay.StartOf(ctx, j.Store, j.Def, b)
	if err != nil {
		return nil, err
	}
	earlier, err := Earlier(ctx, j.Store, j.Tell, found, staleness)
	if err != nil {
		return nil, err
	}
	var copies []job.Checkpoint
	for _, e := range earlier {
		image, err := checkpoint.NewImage(e.Manifest, e.State, int(j.Def.Spec.Checkpoint.ChunkBytes))
		if err != nil {
			return nil, err
		}
		c := placedImage(image, job.Folder{Step: e.Manifest.Step}, nil)
		c.Weights = e.Weights
		copies = append(copies, c)
	}
	return copies, nil
}

// Described is a checkpoint in memory.
type Described struct {
	Manifest *checkpoint.Manifest
	State    *checkpoint.State
	Weights  blob.Digest
}

// Earlier are the checkpoints of the n steps before one that a job has, the
// newest last: fewer only where its steps begin. Those that were pruned are
// computed; an error that is Damage says that one cannot be.
func Earlier(ctx context.Context, b blob.Bucket, tell func(Finding), c checkpoint.Found, n int) ([]Described, error) {
	def, _, err := records.Read[job.Definition](ctx, b, c.Job.SpecKey(), job.DefinitionFormat)
	if err != nil {
		return nil, err
	}
	line, err := ReadLine(ctx, b, c.Job, c.Entry)
	if err != nil {
		return nil, err
	}
	if len(line.Entries) == 0 {
		return nil, line.Cut
	}
	owner := &Job{Store: b, Def: def, Tell: tell}
	held := Before(line.Entries, len(line.Entries)-1, n)
	if len(held) < min(n, c.Checkpoint.Step) {
		return nil, fmt.Errorf("no entry of the log of %s says where the checkpoint of step %d lies: %w", c.Job, c.Checkpoint.Step-len(held)-1, errUnknown)
	}
	earlier := make([]Described, len(held))
	for i, h := range held {
		m, state, err := owner.Read(ctx, line.Entries, h)
		if err != nil {
			return nil, fmt.Errorf("checkpoint of step %d of %s: %w", h.Checkpoint.Step, c.Job, err)
		}
		earlier[len(held)-1-i] = Described{m, state, h.Checkpoint.Weights}
	}
	return earlier, nil
}
