package repair

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Evaluation computes the result of an evaluation again from its records; nil
// if they do not hold one, or not any more. It only reads. An error says that
// the store could not be asked.
func Evaluation(ctx context.Context, b blob.Bucket, id job.ID, manifest blob.Digest) (*job.Evaluation, error) {
	u := job.Unit{Job: id, Eval: manifest}
	plan, _, err := records.Read[job.Plan](ctx, b, u.PlanKey(), job.PlanFormat)
	if err != nil {
		return nil, orNone(err)
	}
	for e := range job.MaxCollections {
		ranges, _, unread := records.Read[job.Ranges](ctx, b, u.RangesKey(e), job.RangesFormat)
		if unread != nil && !Damage(unread) {
			return nil, unread
		}
		if unread == nil && len(ranges.Losses) > 0 {
			continue
		}
		// Without the ranges the records of the collection tell as much.
		collects, lost, err := collected(ctx, b, plan, e)
		switch {
		case err == nil && !lost:
			result := job.Evaluated(plan, collects)
			return &result, nil
		case unread != nil && NotFound(unread):
			return nil, orNone(err)
		case err != nil && (unread == nil || !Damage(err)):
			return nil, orNone(err)
		}
	}
	return nil, nil //nolint:nilnil // no result is no error
}

// orNone is err, unless it says that something is broken or not there.
func orNone(err error) error {
	if Damage(err) {
		return nil
	}
	return err
}

// collected reads the last records of a collection; lost says that the log had
// lost something of it.
func collected(ctx context.Context, b blob.Bucket, plan *job.Plan, e int) (all []*job.CollectRecord, lost bool, err error) {
	phases := plan.CollectPhases()
	if phases[0] == job.Extract {
		for i := range plan.Shards(job.Extract) {
			key := job.Shard{Unit: plan.Unit, Collection: e, Phase: job.Extract, Index: i}.SettledKey()
			r, _, err := records.Read[job.ExtractRecord](ctx, b, key, job.ExtractFormat)
			if err != nil || len(r.Losses) > 0 {
				return nil, true, err
			}
		}
	}
	last := phases[len(phases)-1]
	for i := range plan.Shards(last) {
		key := job.Shard{Unit: plan.Unit, Collection: e, Phase: last, Index: i}.SettledKey()
		r, _, err := records.Read[job.CollectRecord](ctx, b, key, job.CollectFormat)
		if err != nil || len(r.Losses) > 0 {
			return nil, true, err
		}
		if from, to := plan.Span(last, i); len(r.Outcomes) != to-from {
			return nil, false, fmt.Errorf("%s: %w: it holds %d outcomes of %d", key, blob.ErrCorrupt, len(r.Outcomes), to-from)
		}
		all = append(all, r)
	}
	return all, false, nil
}
