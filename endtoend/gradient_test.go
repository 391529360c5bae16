package endtoend_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
)

// gradientShards are the keys of the settled gradient shards of a step.
func gradientShards(ctx context.Context, store blob.Bucket, id job.ID, step int) ([]string, error) {
	unit := job.Unit{Job: id, Step: step}
	first := job.Shard{Unit: unit, Phase: job.Gradient(0, 0)}.SettledKey()
	folder := first[:strings.LastIndexByte(first, '/')+1]
	var keys []string
	for info, err := range store.List(ctx, folder+string(job.Updating), "") {
		if err != nil {
			return nil, err
		}
		keys = append(keys, info.Key)
	}
	return keys, nil
}

// Who computes a gradient, and how many of them there are, changes no bit of it.
func TestGradientShardsDoNotChangeTheCheckpoint(t *testing.T) {
	t.Parallel()
	const (
		inShards = "{shard_rollouts: 16, gradient_groups: 1, deadlines: {rollout: 120s}}"
		options  = "zero_variance: keep, kl: {coefficient: 0.1}, entropy: {coefficient: 0.01, top_fraction: 0.7}"
	)
	agent := startAgent(t, nil).url
	jobs := []smallJob{
		{steps: 1, policy: "{kind: linear, features: 3}", grpo: "{epochs: 2, minibatches: 2, " + options + "}"},
		{steps: 1, policy: "{kind: mlp, features: 3, hidden: 16}", grpo: "{epochs: 2, minibatches: 2, accumulate: 2, old: sampling, " + options + "}"},
	}
	want := map[string]blob.Digest{} // by policy
	for i := range jobs {
		jobs[i].agent, jobs[i].tasks = agent, slices.Concat(four(), four()[:1])
		want[jobs[i].policy] = jobs[i].undisturbed(t)
		jobs[i].limits = inShards
	}
	systems := map[string]system{"1": sharedSystem(t)}
	for workers := range strings.SplitSeq(flag.Lookup("workers").Value.String(), ",") {
		systems[workers] = ownSystem(t, workers)
	}
	for workers, to := range systems {
		for _, s := range jobs {
			head, j := s.run(t, to)
			wantDone(t, head)
			if head.Checkpoint != want[s.policy] {
				t.Errorf("%s with %s workers ends at %s, without gradient shards at %s", s.policy, workers, head.Checkpoint, want[s.policy])
			}
			by := map[string]bool{}
			for step := 1; step <= s.steps; step++ {
				keys, err := gradientShards(t.Context(), to.store, j.Def.ID, step)
				if err != nil || len(keys) != 2*5 { // each group is a shard in each epoch
					t.Errorf("%s: step %d has %d gradient shards, %v", s.policy, step, len(keys), err)
				}
				for _, key := range keys {
					by[trained.Record[job.GradientRecord](t, to.store, key, job.GradientFormat).Done.Worker] = true
				}
			}
			if workers == "8" && len(by) < 2 {
				t.Errorf("%s: of %s workers these computed gradients: %v", s.policy, workers, by)
			}
		}
	}
}

// In the middle of an update the only worker is killed with shards in hand, and
// then the coordinator that drives the job; others go on to the checkpoint at
// which the job would have ended anyway.
func TestJobSurvivesLossesAmidGradients(t *testing.T) {
	t.Parallel()
	const epochs = 10
	c := startCluster(t, "file://"+t.TempDir(), nil, 2, 1)
	s := smallJob{
		agent: startAgent(t, nil).url, steps: 1, tasks: four(),
		grpo: fmt.Sprintf("{epochs: %d, zero_variance: keep}", epochs),
	}
	want := s.undisturbed(t)
	s.limits = "{shard_rollouts: 8, gradient_groups: 1, deadlines: {rollout: 120s}}"
	to := system{c.client(t, 0), openStore(t, c.store)}
	id := s.submit(t, to)
	amid := func(least int) {
		settled := 0
		await(t, time.Minute, func(ctx context.Context) (bool, string) {
			keys, err := gradientShards(ctx, to.store, id, 1)
			settled = len(keys)
			return settled > least, fmt.Sprintf("%d gradient shards are settled, %v", settled, err)
		})
		if settled == 4*epochs {
			t.Error("the update was over before anybody was killed")
		}
	}
	amid(4)
	if err := c.workers[0].kill(); err != nil {
		t.Error(err)
	}
	c.startWorker(t, 1)
	amid(16)
	c.takenOver(t, (*process).kill)
	head := awaitEnd(t, to.store, id)
	wantDone(t, head)
	if head.Checkpoint != want {
		t.Errorf("the job ended at %s, without gradient shards at %s", head.Checkpoint, want)
	}
	if all, err := gradientShards(t.Context(), to.store, id, 1); err != nil || len(all) != 4*epochs {
		t.Errorf("%d gradient shards, %v", len(all), err)
	}
}
