package replay

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// lookups is how many objects are read at once.
const lookups = 8

// BatchOf names the batch of a step: the digest of its used rows, and the files
// that its collections left.
func BatchOf(rounds []job.Round, rows []job.Row) job.BatchRef {
	ref := job.BatchRef{Digest: batch.DigestOf(rows)}
	for _, r := range rounds {
		for _, c := range r.Collects {
			for _, part := range c.Parts {
				ref.Parts = append(ref.Parts, job.BatchPart{Round: r.Plan.Unit.Round, Blob: part})
			}
		}
	}
	return ref
}

// Batch are the samples of the used rows of a step, in their order.
type Batch struct {
	Used []batch.Sample
	File map[int]blob.Ref // by group: the file that holds it
}

// ReadBatch reads the samples of the used rows from the files of a batch in the
// folder of its step. Every file, and every sample, is verified.
func ReadBatch(ctx context.Context, b blob.Bucket, id job.ID, folder job.Folder, parts []job.BatchPart, rows []job.Row) (Batch, error) {
	read := make([][]batch.Sample, len(parts))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, part := range parts {
		g.Go(func() error {
			key := id.StepPrefix(folder.Generation, folder.Step) + string(part.Blob.Digest)
			body, err := blob.GetContent(gctx, b, key, part.Blob.Digest)
			if err != nil {
				return err
			}
			read[i], err = batch.Read(body)
			if err != nil {
				err = fmt.Errorf("%s: %w", key, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Batch{}, err
	}
	type place struct{ group, rollout int }
	bySample := map[place]*batch.Sample{}
	found := Batch{File: map[int]blob.Ref{}}
	for part, samples := range read {
		for i := range samples {
			bySample[place{samples[i].Group, samples[i].Rollout}] = &samples[i]
			found.File[samples[i].Group] = parts[part].Blob
		}
	}
	for i := range rows {
		row := &rows[i]
		if row.Reason != "" {
			continue
		}
		s := bySample[place{row.Group, row.Rollout}]
		if s == nil || s.Digest() != row.Sample {
			return Batch{}, fmt.Errorf("step %d: the sample of rollout %d/%d %w: it is not what was collected", folder.Step, row.Group, row.Rollout, ErrDiffers)
		}
		found.Used = append(found.Used, *s)
	}
	return found, nil
}

// Plans are the plans of the rounds that a commit rests on. They are computed,
// not read: a plan is a function of the definition and the policy.
func Plans(def *job.Definition, parent, e *job.Entry) ([]*job.Plan, error) {
	policy, err := policyOf(parent)
	if err != nil {
		return nil, err
	}
	var plans []*job.Plan
	first := 0
	for _, r := range e.Commit.Rounds {
		u := job.Unit{Job: def.ID, Generation: e.Generation, Step: e.Commit.Checkpoint.Step, Round: r.Round}
		if r.Policy != nil {
			policy = *r.Policy
		}
		plans = append(plans, def.PlanRound(u, policy, first))
		first += def.Spec.Tasks.Groups
	}
	return plans, nil
}

func policyOf(parent *job.Entry) (job.PolicyRef, error) {
	c, ok := parent.NewCheckpoint()
	if !ok {
		return job.PolicyRef{}, fmt.Errorf("entry %d makes no checkpoint", parent.N)
	}
	return job.PolicyRef{Manifest: c.Manifest, Weights: c.Weights, Entry: parent.N}, nil
}

// Rounds reads the records of the collections that a commit rests on; parent is
// the entry of the checkpoint that the step went on from.
func Rounds(ctx context.Context, b blob.Bucket, def *job.Definition, parent, e *job.Entry) ([]job.Round, error) {
	plans, err := Plans(def, parent, e)
	if err != nil {
		return nil, err
	}
	rounds := make([]job.Round, len(plans))
	for i, p := range plans {
		rounds[i] = job.Round{Plan: p, Collection: e.Commit.Rounds[i].Collection}
		phases := p.CollectPhases()
		phase := phases[len(phases)-1]
		rounds[i].Collects = make([]*job.CollectRecord, p.Shards(phase))
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(lookups)
		for n := range rounds[i].Collects {
			g.Go(func() error {
				from, to := p.Span(phase, n)
				key := job.Shard{Unit: p.Unit, Collection: rounds[i].Collection, Phase: phase, Index: n}.SettledKey()
				r, _, err := records.Read[job.CollectRecord](gctx, b, key, job.CollectFormat)
				if err == nil && len(r.Outcomes) != to-from {
					err = fmt.Errorf("%s: %w: %d outcomes of %d rollouts", key, ErrDiffers, len(r.Outcomes), to-from)
				}
				rounds[i].Collects[n] = r
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, err
		}
	}
	return rounds, nil
}
