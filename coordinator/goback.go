package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/repair"
)

// goBack copies the checkpoint that the job goes back to, those that the steps
// after it are planned under, and the one before them, into the folders of the
// new generation, and appends the markers with which that begins.
func (d *driver) goBack(ctx context.Context, e job.GoBack) (job.Event, error) {
	r := &job.Rewind{}
	err := d.copyCheckpoints(ctx, e, r)
	if repair.Damage(err) {
		_, damaged, unanswered := d.heal(ctx, e.Entry-1, d.staleness())
		if damaged != nil && damaged.To != nil && damaged.To.N < e.To.N {
			return *damaged, nil
		}
		err = errors.Join(err, unanswered)
	}
	if err == nil {
		r.Marks, err = d.firstMarks(ctx, d.topic())
	}
	if err != nil {
		return nil, fmt.Errorf("go back to entry %d: %w", e.To.N, err)
	}
	d.Logger.Warn("The job goes back to an earlier checkpoint.", "step", r.Checkpoint.Step, "checkpoint", string(r.Checkpoint.Manifest), "generation", e.Generation)
	return job.WentBack{Rewind: r}, nil
}

// copyCheckpoints copies the newest checkpoints up to that of an entry. All that
// the next steps need must be there; the one before is for repair alone.
func (d *driver) copyCheckpoints(ctx context.Context, e job.GoBack, r *job.Rewind) error {
	line, err := repair.ReadLine(ctx, d.store, d.def.ID, e.To.N)
	if err != nil {
		return err
	}
	if len(line.Entries) == 0 {
		return line.Cut
	}
	last := len(line.Entries) - 1
	to, _ := e.To.NewCheckpoint()
	if r.Checkpoint, err = d.copyCheckpoint(ctx, line.Entries, repair.Held{At: last, Checkpoint: to}, e.Generation); err != nil {
		return err
	}
	for i, h := range repair.Before(line.Entries, last, d.staleness()+1) {
		c, err := d.copyCheckpoint(ctx, line.Entries, h, e.Generation)
		switch {
		case err == nil:
			r.Earlier = append(r.Earlier, c)
		case i < d.staleness() || !repair.Damage(err):
			return err
		}
	}
	slices.Reverse(r.Earlier)
	return nil
}

// copyCheckpoint copies all that a checkpoint names into the folder of its step
// under another generation.
func (d *driver) copyCheckpoint(ctx context.Context, line []*job.Entry, h repair.Held, generation int) (job.Checkpoint, error) {
	c := h.Checkpoint
	m, state, err := d.repair().Read(ctx, line, h)
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

// staleness is by how many checkpoints a step's policy may be older than the one
// that the step goes on from.
func (d *driver) staleness() int { return d.def.Spec.GRPO.Staleness }
