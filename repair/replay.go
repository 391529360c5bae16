package repair

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/replay"
)

// replay makes the checkpoint of entry i of a line again from the one before it
// and the batch of its step, and puts back what is not whole of it.
func (j *Job) replay(ctx context.Context, parent *learner.Learner, line []*job.Entry, i int) (*learner.Learner, error) {
	e := line[i]
	c, _ := e.NewCheckpoint()
	if e.Rewind != nil {
		return parent, j.remember(ctx, parent, line, i, "copied again")
	}
	l, err := parent.Clone()
	if err != nil {
		return nil, err
	}
	step, err := replay.Next(ctx, j.Store, j.Def, l, line[i-1], e)
	if err != nil {
		return nil, err
	}
	return step.Learner, j.restore(ctx, c, step.Image, fmt.Sprintf("made again by replaying step %d", c.Step))
}

// first makes the checkpoint again that the job began with.
func (j *Job) first(ctx context.Context, line []*job.Entry) (*learner.Learner, error) {
	if len(line) == 0 || line[0].Begin == nil {
		return nil, fmt.Errorf("the first entries of the log cannot be read: %w", errUnknown)
	}
	begin, err := replay.Begin(ctx, j.Store, j.Def, line[0])
	if err != nil {
		return nil, err
	}
	return begin.Learner, j.restore(ctx, line[0].Begin.Checkpoint, begin.Image, "made again as the job began")
}
