package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
)

// A Step is a checkpoint that was computed again.
type Step struct {
	// Learner is what the next step goes on from.
	Learner *learner.Learner
	// Image is the checkpoint, as the objects that hold it.
	Image *checkpoint.Image
	// Rows are the fates of the step's rollouts; none of a begin.
	Rows []job.Row
	// Plans are those of the step's rounds.
	Plans []*job.Plan
	// Metrics are the commit's.
	Metrics []job.Metric
	// Origin is the checkpoint of another job that a begin started from; nil if
	// it began afresh.
	Origin *job.Origin
	// FromLedger is why the rows were read from the ledger; nil if they follow
	// from the records of the collection.
	FromLedger error
}

// Matches says whether the step came out as what the log names; else the error
// wraps ErrDiffers and has both ids.
func (s *Step) Matches(c job.Checkpoint) error {
	if s.Image.ID != c.Manifest {
		return fmt.Errorf("checkpoint of step %d: computed again it is %s, the log says %s: it %w", c.Step, s.Image.ID, c.Manifest, ErrDiffers)
	}
	return nil
}

// Manifest describes the checkpoint of a learner after a step, but for what
// the learner's state says itself.
func Manifest(def *job.Definition, l *learner.Learner, step int, parent, trained blob.Digest) *checkpoint.Manifest {
	return &checkpoint.Manifest{
		Training: def.Training, Numerics: numerics.Version, Step: step, Parent: parent, Batch: trained, Shape: l.Shape(),
		Optimizer: checkpoint.Optimizer{Kind: def.Spec.Optimizer.Kind, Updates: l.Updates()},
	}
}

func image(def *job.Definition, l *learner.Learner, step int, parent, trained blob.Digest) (*checkpoint.Image, error) {
	return checkpoint.NewImage(Manifest(def, l, step, parent, trained), l.State(), int(def.Spec.Checkpoint.ChunkBytes))
}

// Entry computes the checkpoint of a log entry again; parent is the entry of
// the checkpoint that it went on from, and nil for a begin. Nothing that it
// finds of the checkpoint itself is read. A result that is not what the log
// names is no error: see Step.Matches.
func Entry(ctx context.Context, b blob.Bucket, def *job.Definition, parent, e *job.Entry) (*Step, error) {
	if e.Begin != nil {
		return Begin(ctx, b, def, e)
	}
	if e.Commit == nil || parent == nil {
		return nil, fmt.Errorf("entry %d is no step", e.N)
	}
	c, ok := parent.NewCheckpoint()
	if !ok {
		return nil, fmt.Errorf("entry %d makes no checkpoint", parent.N)
	}
	l, err := Load(ctx, b, def, c)
	if err != nil {
		return nil, err
	}
	return Next(ctx, b, def, l, parent, e)
}

// Load is the learner that a checkpoint of the job holds, every byte of it
// verified. Other numerics than this build's are ErrNumerics.
func Load(ctx context.Context, b blob.Bucket, def *job.Definition, c job.Checkpoint) (*learner.Learner, error) {
	m, state, err := checkpoint.Load(ctx, b, def.ID, c)
	if err != nil {
		return nil, err
	}
	if err := sameNumerics(m.Numerics, c.Step); err != nil {
		return nil, err
	}
	return learner.Load(def.Spec, m, state)
}

func sameNumerics(version string, step int) error {
	if version != numerics.Version {
		return fmt.Errorf("checkpoint of step %d: %w: it has %q, this build %q; use the version that trained it", step, ErrNumerics, version, numerics.Version)
	}
	return nil
}

// Next computes the step of a commit from the learner of its parent, which it
// uses up. The fates follow from the records of the collection, or, if one of
// those cannot be read, are taken from the ledger; either must have the batch's
// digest.
func Next(ctx context.Context, b blob.Bucket, def *job.Definition, l *learner.Learner, parent, e *job.Entry) (*Step, error) {
	c := e.Commit
	s := &Step{Learner: l}
	var err error
	if s.Plans, err = Plans(def, parent, e); err != nil {
		return nil, err
	}
	if err := s.settle(ctx, b, def, parent, e); err != nil {
		return nil, fmt.Errorf("step %d: %w", c.Checkpoint.Step, err)
	}
	folder := job.Folder{Generation: e.Generation, Step: c.Checkpoint.Step}
	samples, err := ReadBatch(ctx, b, def.ID, folder, c.Batch.Parts, s.Rows)
	if err != nil {
		return nil, fmt.Errorf("batch of step %d: %w", c.Checkpoint.Step, err)
	}
	metrics, err := l.Step(c.Checkpoint.Step, samples.Used)
	if err != nil {
		return nil, err
	}
	s.Metrics = append(RewardMetrics(s.Rows), metrics...)
	was, _ := parent.NewCheckpoint()
	s.Image, err = image(def, l, c.Checkpoint.Step, was.Manifest, c.Batch.Digest)
	return s, err
}

// settle finds the fates of the step's rollouts.
func (s *Step) settle(ctx context.Context, b blob.Bucket, def *job.Definition, parent, e *job.Entry) error {
	rounds, err := Rounds(ctx, b, def, parent, e)
	if err == nil {
		s.Rows = job.Settle(rounds, def.Spec)
		err = sameBatch(s.Rows, e)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	s.FromLedger = err
	rows, ledgerErr := LedgerRows(ctx, b, def.ID, e)
	if ledgerErr == nil {
		s.Rows = rows
		ledgerErr = sameBatch(rows, e)
	}
	if ledgerErr != nil {
		return errors.Join(err, ledgerErr)
	}
	return nil
}

func sameBatch(rows []job.Row, e *job.Entry) error {
	if got := batch.DigestOf(rows); got != e.Commit.Batch.Digest {
		return fmt.Errorf("its batch %w: it has digest %s, the log says %s", ErrDiffers, got, e.Commit.Batch.Digest)
	}
	return nil
}

// Begin computes the checkpoint again that a job began with: from the spec's
// seed, or from the checkpoint of another job if that still lies in the store.
func Begin(ctx context.Context, b blob.Bucket, def *job.Definition, e *job.Entry) (*Step, error) {
	c := e.Begin.Checkpoint
	if err := sameNumerics(e.Begin.Numerics, c.Step); err != nil {
		return nil, err
	}
	s := &Step{}
	start := def.Spec.Start
	if start == nil {
		var err error
		if s.Learner, err = learner.New(def.Spec); err != nil {
			return nil, err
		}
		s.Image, err = image(def, s.Learner, 0, "", "")
		return s, err
	}
	found, err := StartOf(ctx, b, def, e.Begin)
	if err != nil {
		return nil, err
	}
	m, state, err := checkpoint.Load(ctx, b, found.Job, found.Checkpoint)
	if err != nil {
		return nil, err
	}
	if err := sameNumerics(m.Numerics, m.Step); err != nil {
		return nil, err
	}
	s.Origin = &job.Origin{Mode: start.Mode, Checkpoint: m.Digest(), Job: found.Job, Step: m.Step}
	if start.Mode == spec.ModeWarm {
		if s.Learner, err = learner.Warm(def.Spec, state.Weights); err != nil {
			return nil, err
		}
		s.Image, err = image(def, s.Learner, 0, "", "")
		return s, err
	}
	if s.Learner, err = learner.Load(def.Spec, m, state); err != nil {
		return nil, err
	}
	s.Image, err = image(def, s.Learner, m.Step, m.Parent, m.Batch)
	return s, err
}

// StartOf finds the checkpoint that a job was started from.
func StartOf(ctx context.Context, b blob.Bucket, def *job.Definition, begin *job.Begin) (checkpoint.Found, error) {
	if o, ok := job.ParseOrigin(begin.Start); ok {
		return checkpoint.Find(ctx, b, string(o.Checkpoint), o.Job)
	}
	return checkpoint.Find(ctx, b, def.Spec.Start.Checkpoint, job.ID(def.Spec.Start.Job))
}
