package worker

import (
	"context"
	"errors"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// earlier is what earlier collections of the unit say of rollouts [from, to):
// those that failed have a reason, and Attempts counts what is spent. A rollout
// whose agent promised more events than it sent, while the log was whole, spent
// an attempt.
func (h *hand) earlier(ctx context.Context, from, to int) ([]job.Execution, error) {
	before := make([]job.Execution, to-from)
	s := h.task.Shard
	if s.Collection == 0 {
		return before, nil
	}
	s.Collection--
	record, _, err := records.Read[job.RolloutRecord](ctx, h.store, s.SettledKey(), job.RolloutFormat)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) {
		return before, nil // it was lost before all had settled, or since
	}
	if err != nil {
		return nil, err
	}
	for i, e := range record.Executions {
		before[i] = job.Execution{Group: e.Group, Rollout: e.Rollout, Nonce: e.Nonce, Attempts: e.Attempts, Executions: e.Executions, Reason: e.Reason, Detail: e.Detail}
	}
	losses, err := h.losses(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, l := range losses {
		if l.Kind != job.LostPromised {
			return before, nil // the log was not whole, so nobody is blamed
		}
	}
	for _, l := range losses {
		if i := h.plan.Index(l.Group, l.Rollout) - from; i >= 0 && i < len(before) {
			before[i].Attempts++
		}
	}
	return before, nil
}

// losses are what the collection of shard s found lost, by those of its
// collect and assemble records that exist.
func (h *hand) losses(ctx context.Context, s job.Shard) ([]job.Loss, error) {
	var all []job.Loss
	for _, s.Phase = range h.plan.CollectPhases() {
		for s.Index = range h.plan.Shards(s.Phase) {
			if s.Phase == job.Extract {
				r, _, err := records.Read[job.ExtractRecord](ctx, h.store, s.SettledKey(), job.ExtractFormat)
				switch {
				case err == nil:
					all = append(all, r.Losses...)
				case errors.Is(err, blob.ErrCorrupt):
					all = append(all, job.Loss{Kind: job.LostRecord, Detail: err.Error()})
				case !errors.Is(err, blob.ErrNotFound):
					return nil, err
				}
				continue
			}
			r, _, err := records.Read[job.CollectRecord](ctx, h.store, s.SettledKey(), job.CollectFormat)
			switch {
			case err == nil:
				all = append(all, r.Losses...)
			case errors.Is(err, blob.ErrCorrupt):
				all = append(all, job.Loss{Kind: job.LostRecord, Detail: err.Error()})
			case !errors.Is(err, blob.ErrNotFound):
				return nil, err
			}
		}
	}
	return all, nil
}
