package coordinator

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/replay"
)

// prepare creates the topic and its first markers, and stores the checkpoint
// that the job starts from.
func (d *driver) prepare(ctx context.Context) (job.Event, error) {
	begin := &job.Begin{Numerics: numerics.Version, Topic: d.def.Topic(d.TopicPrefix)}
	var err error
	if begin.Marks, err = d.firstMarks(ctx, d.topicNamed(begin.Topic)); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	if d.def.Spec.Start == nil {
		begin.Checkpoint, err = d.fresh(ctx)
	} else {
		begin.Checkpoint, begin.Start, err = d.startFrom(ctx)
		if err == nil && d.staleness() > 0 && d.def.Spec.Start.Mode == spec.ModeContinue {
			begin.Earlier, err = d.startEarlier(ctx, begin)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return job.Prepared{Begin: begin}, nil
}

// fresh stores the checkpoint of step 0: the initial weights of the spec's seed.
func (d *driver) fresh(ctx context.Context) (job.Checkpoint, error) {
	l, err := learner.New(d.def.Spec)
	if err != nil {
		return job.Checkpoint{}, err
	}
	return d.save(ctx, l, job.Folder{}, "", "", nil)
}

// startEarlier copies the checkpoints before the one that the job continues, so
// that its first steps are planned under those that the job which made it would
// have gone on with.
func (d *driver) startEarlier(ctx context.Context, begin *job.Begin) ([]job.Checkpoint, error) {
	found, err := replay.StartOf(ctx, d.store, &d.def, begin)
	if err != nil {
		return nil, err
	}
	earlier, err := repair.Earlier(ctx, d.store, d.restored, found, d.staleness())
	if repair.Damage(err) {
		return nil, &failure{
			err:    fmt.Errorf("start.checkpoint: with grpo.staleness %d those before it are needed: %w", d.staleness(), err),
			remedy: "start from another checkpoint, or set start.mode: warm",
		}
	}
	var copies []job.Checkpoint
	for _, e := range earlier {
		c, err := checkpoint.Save(ctx, d.store, d.def.ID, job.Folder{Step: e.Manifest.Step}, e.Manifest, e.State, int(d.def.Spec.Checkpoint.ChunkBytes), nil)
		if err != nil {
			return nil, err
		}
		c.Weights = e.Weights
		copies = append(copies, c)
	}
	return copies, err
}

// startFrom copies the checkpoint that the spec names into the job's own
// folder. To continue, it must be of the same mathematics, and steps count on
// from it; a warm start takes its weights alone, at step 0.
func (d *driver) startFrom(ctx context.Context) (c job.Checkpoint, from string, err error) {
	start := d.def.Spec.Start
	found, err := checkpoint.Find(ctx, d.store, start.Checkpoint, job.ID(start.Job))
	if err != nil {
		return c, "", err
	}
	m, state, err := checkpoint.Load(ctx, d.store, found.Job, found.Checkpoint)
	if err != nil {
		return c, "", err
	}
	from = job.Origin{Mode: start.Mode, Checkpoint: m.Digest(), Job: found.Job, Step: m.Step}.String()
	if m.Numerics != numerics.Version {
		return c, "", &failure{
			err:    fmt.Errorf("start.checkpoint was computed with numerics %q, this build with %q", m.Numerics, numerics.Version),
			remedy: "run the version that made it",
		}
	}
	if start.Mode == "warm" {
		l, err := learner.Warm(d.def.Spec, state.Weights)
		if err != nil {
			return c, "", fmt.Errorf("start.checkpoint: %w", err)
		}
		c, err = d.save(ctx, l, job.Folder{}, "", "", nil)
		return c, from, err
	}
	if m.Training != d.def.Training {
		return c, "", &failure{
			err:    fmt.Errorf("start.checkpoint was trained by another spec: its training digest is %s, this job's %s", m.Training, d.def.Training),
			remedy: "make policy, data, reward, grpo, optimizer and seed equal, or set start.mode: warm",
		}
	}
	if m.Step >= d.def.Spec.Steps {
		return c, "", &failure{
			err:    fmt.Errorf("start.checkpoint is of step %d, and steps is %d: nothing is left to do", m.Step, d.def.Spec.Steps),
			remedy: "steps counts from the first checkpoint of the chain: set a larger number",
		}
	}
	l, err := learner.Load(d.def.Spec, m, state)
	if err != nil {
		return c, "", fmt.Errorf("start.checkpoint: %w", err)
	}
	c, err = d.save(ctx, l, job.Folder{Step: m.Step}, m.Parent, m.Batch, nil)
	if err == nil && c.Manifest != found.Checkpoint.Manifest {
		err = fmt.Errorf("copy of checkpoint %s has id %s", found.Checkpoint.Manifest, c.Manifest)
	}
	return c, from, err
}
