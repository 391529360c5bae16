package repair

import (
	"context"
	"errors"
	"fmt"

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
func (j *Job) rewind(ctx context.Context, n int, next *job.Entry) (*job.Entry, error) {
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
	for i := len(line.Entries) - 1; i >= 0 && len(r.Earlier) == 0; i-- {
		c := copied(line.Entries[i], generation)
		_, err := j.Store.Head(ctx, j.Def.ID.StepPrefix(c.Folder.Generation, c.Folder.Step)+string(c.Manifest))
		switch {
		case errors.Is(err, blob.ErrNotFound):
		case err != nil:
			return nil, err
		case to == nil && !j.follows(ctx, c, next):
		case to == nil:
			to, r.To, r.Checkpoint = line.Entries[i], line.Entries[i].N, c
		case c.Step < r.Checkpoint.Step:
			r.Earlier = append(r.Earlier, c)
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
	r.Marks, err = j.opening(ctx, e, r.Checkpoint, next)
	return e, err
}

// copied is the checkpoint of an entry as it lies in another generation.
func copied(e *job.Entry, generation int) job.Checkpoint {
	c, _ := e.NewCheckpoint()
	c.Folder = job.Folder{Generation: generation, Step: c.Step}
	places := make([]job.Place, len(c.Places))
	for i, p := range c.Places {
		places[i] = job.Place{Digest: p.Digest, Size: p.Size, Folder: c.Folder}
	}
	c.Places = places
	return c
}

// opening are the markers with which the step after checkpoint c began.
func (j *Job) opening(ctx context.Context, e *job.Entry, c job.Checkpoint, next *job.Entry) ([]job.Mark, error) {
	first := job.Unit{Job: j.Def.ID, Generation: e.Generation, Step: c.Step + 1}
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
	e.Restated = "; so are its markers" // nobody needs them once another entry has its own
	return next.Opening(), nil
}
