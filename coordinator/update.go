package coordinator

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
)

// updating names the take-overs of an update, which has no shards.
const updating job.Phase = "update"

// update learns from the used rollouts of a step and stores the checkpoint and
// the ledger. Nothing of it counts before the log names it.
func (d *driver) update(ctx context.Context, e job.Update) (job.Event, error) {
	if e.Resuming {
		last := e.Rounds[len(e.Rounds)-1]
		n, err := d.takeOver(ctx, last.Plan.Unit, last.Collection, updating)
		if err != nil {
			return nil, err
		}
		if n > job.MaxTakeOvers {
			return nil, fmt.Errorf("step %d: the update was taken over more than %d times", e.Step, job.MaxTakeOvers)
		}
	}
	l, err := d.learnerAt(ctx, e.Parent)
	if err != nil {
		return nil, err
	}
	commit := &job.Commit{Marks: e.Marks}
	commit.Batch.Digest = batch.DigestOf(e.Rows)
	for _, r := range e.Rounds {
		commit.Rounds = append(commit.Rounds, job.RoundRef{Round: r.Plan.Unit.Round, Collection: r.Collection})
		for _, c := range r.Collects {
			for _, part := range c.Parts {
				commit.Batch.Parts = append(commit.Batch.Parts, job.BatchPart{Round: r.Plan.Unit.Round, Blob: part})
			}
		}
	}
	samples, err := d.samples(ctx, e)
	if err != nil {
		return nil, err
	}
	next, err := l.Clone()
	if err != nil {
		return nil, err
	}
	metrics, err := next.Step(e.Step, samples)
	if err != nil {
		return nil, &failure{err: err, remedy: "lower optimizer.learning_rate, or set optimizer.max_grad_norm"}
	}
	commit.Metrics = append(rewardMetrics(e.Rows), metrics...)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		commit.Ledger, err = d.putLedger(gctx, e.Step, e.Rounds, e.Rows)
		return err
	})
	g.Go(func() (err error) {
		commit.Checkpoint, err = d.save(gctx, next, e.Step, e.Parent.Manifest, commit.Batch.Digest, e.Parent.Places)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	d.keepLearner(commit.Checkpoint.Manifest, next)
	return job.Updated{Step: e.Step, Commit: commit}, nil
}

// learnerAt is the learner that a checkpoint holds: the one in memory if it is
// that, else it is loaded and every byte of it verified.
func (d *driver) learnerAt(ctx context.Context, c job.Checkpoint) (*learner.Learner, error) {
	d.mu.Lock()
	l := d.learners[c.Manifest]
	d.mu.Unlock()
	if l != nil {
		return l, nil
	}
	m, state, err := checkpoint.Load(ctx, d.store, d.def.ID, c)
	if err != nil {
		return nil, &failure{err: err, remedy: "see what is wrong with the job's objects, mend them, and start the coordinator again"}
	}
	return learner.Load(d.def.Spec, m, state)
}

// keepLearner remembers the newest learner alone.
func (d *driver) keepLearner(manifest blob.Digest, l *learner.Learner) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.learners = map[blob.Digest]*learner.Learner{manifest: l}
}

// save stores a checkpoint in the folder of its step.
func (d *driver) save(ctx context.Context, l *learner.Learner, step int, parent, trained blob.Digest, places []job.Place) (job.Checkpoint, error) {
	m := &checkpoint.Manifest{
		Training: d.def.Training, Numerics: numerics.Version, Step: step, Parent: parent, Batch: trained, Shape: l.Shape(),
		Optimizer: checkpoint.Optimizer{Kind: d.def.Spec.Optimizer.Kind, Updates: l.Updates()},
	}
	folder := job.Folder{Generation: d.generation(), Step: step}
	c, err := checkpoint.Save(ctx, d.store, d.def.ID, folder, m, l.State(), int(d.def.Spec.Checkpoint.ChunkBytes), places)
	c.Weights = l.WeightsDigest()
	return c, err
}

// generation is that of the log: without rewinds there is one.
func (d *driver) generation() int { return 0 }

// samples reads the samples of the used rows, in their order.
func (d *driver) samples(ctx context.Context, e job.Update) ([]batch.Sample, error) {
	var parts []string
	for _, r := range e.Rounds {
		for _, c := range r.Collects {
			for _, part := range c.Parts {
				parts = append(parts, r.Plan.Unit.BlobPrefix()+string(part.Digest))
			}
		}
	}
	read := make([][]batch.Sample, len(parts))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, key := range parts {
		g.Go(func() error {
			object, err := d.store.Get(gctx, key)
			if err != nil {
				return err
			}
			read[i], err = batch.Read(object.Body)
			if err != nil {
				err = fmt.Errorf("%s: %w", key, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	type place struct{ group, rollout int }
	bySample := map[place]*batch.Sample{}
	for _, samples := range read {
		for i := range samples {
			bySample[place{samples[i].Group, samples[i].Rollout}] = &samples[i]
		}
	}
	var used []batch.Sample
	for i := range e.Rows {
		row := &e.Rows[i]
		if row.Reason != "" {
			continue
		}
		s := bySample[place{row.Group, row.Rollout}]
		if s == nil || s.Digest() != row.Sample {
			return nil, fmt.Errorf("step %d: the sample of rollout %d/%d is not what was collected", e.Step, row.Group, row.Rollout)
		}
		used = append(used, *s)
	}
	return used, nil
}
