package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// wentBack says whether entry n was a rewind: each one begins a generation.
func (j *Job) wentBack(ctx context.Context, n int, next *job.Entry) (bool, error) {
	before, err := checkpoint.ReadEntry(ctx, j.Store, j.Def.ID, n-1)
	if err != nil {
		return false, fmt.Errorf("entry %d is needed: %w", n-1, err)
	}
	began := next.Generation - before.Generation
	if next.Kind == job.KindRewind {
		began-- // by that one
	}
	return began > 0, nil
}

// rewind is what an entry says that went back: to the newest checkpoint of which
// a copy lies in the generation that it began.
func (j *Job) rewind(ctx context.Context, n int, next *job.Entry, last int) (*job.Entry, error) {
	generation := next.Generation
	if next.Kind == job.KindRewind {
		generation--
	}
	line, err := ReadLine(ctx, j.Store, j.Def.ID, n-1)
	if err != nil {
		return nil, err
	}
	var to *job.Entry
	r := &job.Rewind{Reason: "what it said is lost"}
	for i := len(line.Entries) - 1; i >= 0 && to == nil; i-- {
		newest, _ := line.Entries[i].NewCheckpoint()
		c := copied(newest, generation)
		there, err := j.stored(ctx, c)
		if err != nil {
			return nil, err
		}
		if !there || !j.follows(ctx, c, next) {
			continue
		}
		to, r.To, r.Checkpoint = line.Entries[i], line.Entries[i].N, c
		if r.Earlier, err = j.copiedBeside(ctx, line.Entries, i, generation); err != nil {
			return nil, err
		}
	}
	if to == nil {
		return nil, fmt.Errorf("no checkpoint is copied into generation %d: %w", generation, errUnknown)
	}
	r.Totals = to.Counted()
	for _, p := range next.Due() {
		if p.Step <= r.Checkpoint.Step {
			r.Pending = append(r.Pending, p)
		}
	}
	e := &job.Entry{Kind: job.KindRewind, Generation: generation, Rewind: r}
	r.Marks, err = j.opening(ctx, e, r.Checkpoint, next, last)
	return e, err
}

// copiedBeside are the copies that a rewind to a place of a line names beside the
// newest: those that the next steps need, there or not, and the one before if it
// is there.
func (j *Job) copiedBeside(ctx context.Context, line []*job.Entry, at, generation int) ([]job.Checkpoint, error) {
	var copies []job.Checkpoint
	staleness := j.Def.Spec.GRPO.Staleness
	for i, h := range Before(line, at, staleness+1) {
		c := copied(h.Checkpoint, generation)
		there, err := j.stored(ctx, c)
		if err != nil {
			return nil, err
		}
		if there || i < staleness {
			copies = append(copies, c)
		}
	}
	slices.Reverse(copies)
	return copies, nil
}

// stored says whether something lies in the store under the name of a
// checkpoint's manifest.
func (j *Job) stored(ctx context.Context, c job.Checkpoint) (bool, error) {
	_, err := j.Store.Head(ctx, j.Def.ID.StepPrefix(c.Folder.Generation, c.Folder.Step)+string(c.Manifest))
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// copied is a checkpoint as it lies in another generation.
func copied(c job.Checkpoint, generation int) job.Checkpoint {
	c.Folder = job.Folder{Generation: generation, Step: c.Step}
	places := make([]job.Place, len(c.Places))
	for i, p := range c.Places {
		places[i] = job.Place{Digest: p.Digest, Size: p.Size, Folder: c.Folder}
	}
	c.Places = places
	return c
}

// opening are the markers with which the steps after checkpoint c began that
// were planned before the first of them was committed.
func (j *Job) opening(ctx context.Context, e *job.Entry, c job.Checkpoint, next *job.Entry, last int) ([]job.Mark, error) {
	if j.Def.Offline() {
		return []job.Mark{}, nil
	}
	staleness := j.Def.Spec.GRPO.Staleness
	for step := c.Step + 1; step <= c.Step+1+staleness; step++ {
		first := job.Unit{Job: j.Def.ID, Generation: e.Generation, Step: step}
		ranges, _, err := records.Read[job.Ranges](ctx, j.Store, first.RangesKey(0), job.RangesFormat)
		switch {
		case err == nil && len(ranges.Ranges) > 0:
			var marks []job.Mark
			for _, r := range ranges.Ranges {
				marks = append(marks, r.Opening)
			}
			return marks, nil
		case err != nil && !Damage(err):
			return nil, err
		}
	}
	if open := last < next.N+staleness; open && next.Commit != nil {
		e.Restated = "; its markers are lost, and what began with them is collected again"
		return lostMarks(j.Def.Spec.Traces.Partitions), nil
	}
	e.Restated = "; so are its markers" // nobody needs them once so many entries have their own
	return next.Opening(), nil
}

// lostMarks are markers that no log has: a range that is to begin with them is
// found to have lost them, so its rollouts run again behind others.
func lostMarks(partitions int) []job.Mark {
	marks := make([]job.Mark, partitions)
	for i := range marks {
		marks[i] = job.Mark{Partition: i, Nonce: "lost"}
	}
	return marks
}
