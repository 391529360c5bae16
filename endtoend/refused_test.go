package endtoend_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

// A shard of tomorrow's version: today's worker leaves it alone and says so where
// people look, and goes on with what it can do.
func TestWorkerOfAnotherVersionIsShownBesideTheJob(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "file://"+t.TempDir(), nil, 1, 1)
	b := newBarrier(1)
	s := smallJob{agent: startAgent(t, b.gate).url, steps: 1, tasks: four(), limits: "{shard_rollouts: 8, deadlines: {rollout: 120s}}"}
	to := system{c.client(t, 0), openStore(t, c.store)}
	id := s.submit(t, to)
	b.await(t, 4*rollouts)

	d, err := deployment.Join(t.Context(), to.store, "unused")
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(&redis.Options{Addr: c.redis.Addr()})
	defer r.Close()
	tomorrow := queue.Task{
		Version: queue.TaskVersion + 1, Drive: 1, Timeout: time.Minute,
		Shard: job.Shard{Unit: job.Unit{Job: id, Step: 1}, Phase: job.Rollout, Index: 1000},
	}
	if err := queue.NewClient(r, d.RedisPrefix()).Enqueue(t.Context(), []queue.Task{tomorrow}); err != nil {
		t.Fatal(err)
	}
	await(t, time.Minute, func(ctx context.Context) (done bool, state string) {
		j, err := to.api.Job(ctx, id)
		return err == nil && len(j.RefusedBy) == 1 && j.RefusedBy[0].Worker == "worker-0", fmt.Sprintf("the job is %+v, %v", j, err)
	})
	server := c.coordinators[0].said(t, "Coordinator is ready.", "api")
	for command, want := range map[string]string{
		"jobs":                 "NOTE: " + string(id) + " is refused by worker-0: task of another version",
		"status " + string(id): "refused by  worker-0: task of another version",
	} {
		out, err := exec.CommandContext(t.Context(), program(t), append(strings.Fields(command), "--server", server)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("cohort %s does not say %q: %v\n%s", command, want, err, out)
		}
	}
	if text := c.workers[0].log.String(); strings.Count(text, "was left to other workers") != 1 {
		t.Errorf("the refusal is not said once:\n%s", text)
	}
	close(b.opened)
	wantDone(t, awaitEnd(t, to.store, id))
}
