package endtoend_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/job"
)

// The rollouts of one group are answered, all others are held in the agent's
// hands, more than the only worker can hold, when the job is cancelled.
func TestCancelledJobEndsAndItsShardsArePutDown(t *testing.T) {
	t.Parallel()
	to := ownSystem(t, "1")
	var cancelled, asked, held atomic.Int64
	a := startAgent(t, func(ctx context.Context, r agent.Request) {
		asked.Add(1)
		if r.Group == 0 {
			return
		}
		if cancelled.Load() > 0 && r.Step == 1 {
			t.Errorf("rollout %d/%d was asked for after the job had ended", r.Group, r.Rollout)
		}
		held.Add(1)
		defer held.Add(-1)
		<-ctx.Done()
	})
	tasks := four()
	for i := range tasks {
		tasks[i].Mischief = refuses
	}
	s := smallJob{agent: a.url, steps: 1, tasks: tasks, limits: "{shard_rollouts: 2, deadlines: {rollout: 120s}}"}
	id := s.submit(t, to)
	unit := job.Unit{Job: id, Step: 1}
	await(t, time.Minute, func(ctx context.Context) (bool, string) {
		settled := 0
		for i := range rollouts / 2 {
			key := job.Shard{Unit: unit, Phase: job.Rollout, Index: i}.SettledKey()
			if _, err := to.store.Head(ctx, key); err == nil {
				settled++
			}
		}
		return settled == rollouts/2 && held.Load() == 16, fmt.Sprintf("%d shards are settled, %d rollouts held", settled, held.Load())
	})

	began := time.Now()
	if _, err := to.api.Cancel(within(t, 10*time.Second), id, "enough"); err != nil {
		t.Fatal(err)
	}
	await(t, 20*time.Second, func(ctx context.Context) (bool, string) {
		j, err := to.api.Job(ctx, id)
		return err == nil && j.State == api.StateCancelled && j.Reason == "enough", fmt.Sprintf("%+v, %v", j, err)
	})
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s until the job was cancelled", took)
	}
	await(t, 10*time.Second, func(context.Context) (bool, string) {
		return held.Load() == 0, fmt.Sprintf("%d rollouts of the cancelled job are still in hand", held.Load())
	})
	cancelled.Store(asked.Load())

	// The worker's hands are free again: they do another job.
	next := smallJob{agent: startAgent(t, nil).url, steps: 1, tasks: four()}
	head, _ := next.run(t, to)
	wantDone(t, head)
	if asked.Load() != cancelled.Load() {
		t.Errorf("%d rollouts were asked for after the job had ended", asked.Load()-cancelled.Load())
	}
	wantPutDown(t, readJob(t, to.store, id))
}

// wantPutDown expects that nothing of the first group but its failures, and
// nothing at all of the others, is in the ledger. Whether the driver had read
// the failures before it was told of the end is a matter of luck.
func wantPutDown(t *testing.T, j *trained) {
	t.Helper()
	failed := 0
	for _, row := range j.ledger(t, j.end().Ledgers[0]) {
		switch job.Reason(row.Reason) {
		case job.AgentError:
			failed++
			if row.Group != 0 {
				t.Errorf("rollout %d/%d failed, and was never answered", row.Group, row.Rollout)
			}
		case job.JobEnded:
		default:
			t.Errorf("rollout %d/%d: %q", row.Group, row.Rollout, row.Reason)
		}
	}
	wantOpenStep(t, j, job.Totals{Planned: 4 * rollouts, Failed: failed, Dropped: 4*rollouts - failed})
}
