package endtoend_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
)

// perShard is the number of rollouts of a shard, of 16 in all.
const perShard = 2

// keeper is an agent that answers the first four shards that it meets, and
// keeps every other rollout until its worker puts it down.
type keeper struct {
	mu      sync.Mutex   // guards what follows
	answers map[int]bool // shards
	asked   int
	held    int
}

func shardOf(group, rollout int) int { return (group*rollouts + rollout) / perShard }

func (k *keeper) gate(ctx context.Context, r agent.Request) {
	k.mu.Lock()
	k.asked++
	shard := shardOf(r.Group, r.Rollout)
	if len(k.answers) < 4 {
		k.answers[shard] = true
	}
	if k.answers[shard] {
		k.mu.Unlock()
		return
	}
	k.held++
	k.mu.Unlock()
	<-ctx.Done()
	k.mu.Lock()
	k.held--
	k.mu.Unlock()
}

func (k *keeper) counts() (asked, held int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked, k.held
}

// The only worker has its hands full of rollouts that the agent keeps, and more
// shards wait, when the job is cancelled.
func TestCancelledJobEndsAndItsShardsArePutDown(t *testing.T) {
	t.Parallel()
	const hands = 8
	to := ownSystem(t, "1")
	k := &keeper{answers: map[int]bool{}}
	tasks := four()
	for i := range tasks {
		tasks[i].Mischief = refuses
	}
	s := smallJob{
		agent: startAgent(t, k.gate).url, steps: 1, tasks: tasks, timeout: "100s",
		limits: fmt.Sprintf("{shard_rollouts: %d, deadlines: {rollout: 120s}}", perShard),
	}
	id := s.submit(t, to)
	await(t, time.Minute, func(context.Context) (bool, string) {
		asked, held := k.counts()
		return held == hands*perShard, fmt.Sprintf("%d rollouts were asked for, %d are held", asked, held)
	})

	began := time.Now()
	if _, err := to.api.Cancel(trained.Within(t, 10*time.Second), id, "enough"); err != nil {
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
		_, held := k.counts()
		return held == 0, fmt.Sprintf("%d rollouts of the cancelled job are still in hand", held)
	})
	before, _ := k.counts()

	// The worker's hands are free again: they do another job.
	next := smallJob{agent: startAgent(t, nil).url, steps: 1, tasks: four()}
	head, _ := next.run(t, to)
	wantDone(t, head)
	if after, _ := k.counts(); after != before {
		t.Errorf("%d rollouts were asked for after the job had ended", after-before)
	}
	k.wantLedger(t, trained.Read(t, to.store, id))
}

// wantLedger expects that only what was answered failed. Whether the driver had
// read an answer before it was told of the end is a matter of luck.
func (k *keeper) wantLedger(t *testing.T, j *trained.Job) {
	t.Helper()
	failed := 0
	for _, row := range j.Ledger(t, j.End().Ledgers[0]) {
		switch job.Reason(row.Reason) {
		case job.AgentError:
			failed++
			if !k.answers[shardOf(int(row.Group), int(row.Rollout))] {
				t.Errorf("rollout %d/%d failed, and was never answered", row.Group, row.Rollout)
			}
		case job.JobEnded:
		default:
			t.Errorf("rollout %d/%d: %q", row.Group, row.Rollout, row.Reason)
		}
	}
	wantOpenStep(t, j, job.Totals{Planned: 4 * rollouts, Failed: failed, Dropped: 4*rollouts - failed})
}
