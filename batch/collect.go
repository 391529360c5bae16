package batch

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/traces"
)

// A Judge gives rollouts their rewards.
type Judge struct {
	Scorer reward.Scorer
	// Failure is the reward of a whole trace that has none; nil makes that the
	// fate "no reward".
	Failure *float64
	// Weights is the digest of the weights that the plan names.
	Weights blob.Digest
}

// Collect scores the whole traces, a few at a time, and returns the samples and
// the final outcome of each planned rollout, both in the order of the plan. A
// trace without a decision is dropped after it was scored. An error, of a
// scorer that could not find out a score, decides nothing.
func (j Judge) Collect(ctx context.Context, a traces.Assembled) ([]Sample, []job.Outcome, error) {
	outcomes := make([]job.Outcome, len(a.Outcomes))
	found := make([]*Sample, len(a.Outcomes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i := range a.Outcomes {
		group.Go(func() (err error) {
			outcomes[i], found[i], err = j.settle(ctx, a.Outcomes[i], &a.Traces[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fmt.Errorf("collect samples: %w", err)
	}
	var samples []Sample
	for _, s := range found {
		if s != nil {
			samples = append(samples, *s)
		}
	}
	return samples, outcomes, nil
}

func (j Judge) settle(ctx context.Context, o job.Outcome, t *traces.Trace) (job.Outcome, *Sample, error) {
	if o.Reason != "" {
		return o, nil, nil
	}
	score, reason, err := reward.Judge(ctx, j.Scorer, j.Failure, t)
	if err != nil {
		return o, nil, err
	}
	if reason == "" && len(t.Decisions) == 0 {
		reason = job.NoDecision
	}
	if o.Reason = reason; reason != "" {
		return o, nil, nil
	}
	s := FromTrace(t, score.Value, j.Weights)
	s.Rewards = score.Parts
	o.Reward, o.Rewards, o.Sample = &s.Reward, parts(s.Rewards), s.Digest()
	return o, &s, nil
}

// parts are the rewards of a sample as an outcome has them, which is JSON: nil
// for one that was not given.
func parts(rewards []float64) []*float64 {
	var all []*float64
	for i := range rewards {
		p := &rewards[i]
		if math.IsNaN(*p) {
			p = nil
		}
		all = append(all, p)
	}
	return all
}
