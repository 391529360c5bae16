package endtoend_test

import (
	"context"
	"testing"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// With staleness the rollouts of step 3 run while those of step 2 are held up,
// under the checkpoint that its plan names, though the coordinator is killed
// meanwhile; and the job ends at the checkpoint at which it would have ended
// anyway.
func TestRolloutsOfALaterStepRunBesideTheSlowest(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "file://"+t.TempDir(), nil, 2, 1)
	slow, later := newBarrier(2), newBarrier(3)
	close(later.opened)
	s := smallJob{
		agent: startAgent(t, func(ctx context.Context, r agent.Request) { slow.gate(ctx, r); later.gate(ctx, r) }).url,
		steps: 5, tasks: four(), grpo: "{staleness: 1, old: sampling}", limits: "{shard_rollouts: 32, deadlines: {rollout: 120s}}",
	}
	to := system{c.client(t, 0), openStore(t, c.store)}
	id := s.submit(t, to)
	later.await(t, 4*rollouts)
	c.takenOver(t, (*process).kill)
	close(slow.opened)
	head := awaitEnd(t, to.store, id)
	wantDone(t, head)
	if want := s.undisturbed(t); head.Checkpoint != want {
		t.Errorf("the job ended at %s, undisturbed at %s", head.Checkpoint, want)
	}
	entries := make([]*job.Entry, s.steps+1)
	for n := range entries {
		var err error
		if entries[n], err = checkpoint.ReadEntry(t.Context(), to.store, id, n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			continue
		}
		under, _ := entries[job.PolicyStep(n, 1)].NewCheckpoint()
		for _, r := range entries[n].Commit.Rounds {
			if r.Policy == nil || r.Policy.Manifest != under.Manifest {
				t.Errorf("step %d ran under %+v, want %s", n, r.Policy, under.Manifest)
			}
		}
		if stale := entries[n].Commit.Ledger.Totals; stale.Used == 0 {
			t.Errorf("step %d used nothing: %+v", n, stale)
		}
	}
}
