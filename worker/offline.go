package worker

import (
	"context"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/offline"
)

// draw settles the collection of an offline job's round: each group is drawn from
// the threads of its task, which have their rewards.
func (h *hand) draw(ctx context.Context) (blob.Digest, error) {
	lines, err := h.tasks(ctx)
	if err != nil {
		return "", err
	}
	record := &job.CollectRecord{Format: job.CollectFormat}
	var samples []batch.Sample
	for i, line := range h.plan.Tasks {
		task, err := offline.ReadTask(lines[line])
		if err != nil {
			return "", fmt.Errorf("line %d of the data set: %w", line, err)
		}
		drawn, outcomes, err := h.group(task, line, h.plan.First+i)
		if err != nil {
			return "", err
		}
		samples, record.Outcomes = append(samples, drawn...), append(record.Outcomes, outcomes...)
	}
	return h.collected(ctx, record, samples)
}

// group draws the rollouts of one group.
func (h *hand) group(task *offline.Task, line, group int) ([]batch.Sample, []job.Outcome, error) {
	s := h.job.def.Spec
	drawn := h.plan.Drawn(s.Seed, group, len(task.Threads))
	var samples []batch.Sample
	outcomes := make([]job.Outcome, h.plan.Rollouts)
	for r := range outcomes {
		o := &outcomes[r]
		if o.Group, o.Rollout = group, r; r >= len(drawn) {
			o.Reason, o.Detail = job.NoThread, fmt.Sprintf("the task has %d threads", len(drawn))
			continue
		}
		thread := &task.Threads[drawn[r]]
		sample, err := thread.Sample(line, group, r, s.Policy.Features)
		if err != nil {
			return nil, nil, err
		}
		o.Thread, o.Decisions = thread.Thread, len(thread.Decisions)
		o.Reward, o.Rewards, o.Sample = &sample.Reward, slices.Clone(thread.Rewards), sample.Digest()
		samples = append(samples, sample)
	}
	return samples, outcomes, nil
}
