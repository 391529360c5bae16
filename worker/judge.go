package worker

import (
	"context"
	"encoding/json"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/reward"
)

// judge gives the shard's rollouts their rewards. What a reward server answered
// is kept with the job, so another drive of the shard does not ask again.
func (h *hand) judge(ctx context.Context) (batch.Judge, error) {
	s := h.job.def.Spec
	services := h.Rewards
	services.Clock, services.Store, services.Prefix = h.Clock, h.store, h.job.def.ID.AnswersPrefix()
	scorer, err := reward.New(s.Reward, services)
	if err != nil {
		return batch.Judge{}, err
	}
	judge := batch.Judge{Scorer: scorer, Failure: s.Reward.FailureScore, Weights: h.plan.Policy.Weights}
	if reward.Recorded(s.Reward) {
		return judge, nil
	}
	lines, err := h.tasks(ctx)
	judge.Task = func(line int) json.RawMessage { return lines[line] }
	return judge, err
}
