package endtoend_test

import (
	"context"
	"flag"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
)

// Two workers do many small jobs while a large one keeps every rollout until all
// of them have ended, another's agent hangs, and another's always fails. None of
// these three takes more hands than its limit, so the small jobs end, each after
// just the rollouts that it planned; the failed one ends with the reason.
func TestSmallJobsEndBesideLargeAndPoisonedOnes(t *testing.T) {
	t.Parallel()
	small := flag.Lookup("jobs").Value.(flag.Getter).Get().(int)
	to := ownSystem(t, "2")
	large, hung := newBarrier(1), newBarrier(1)
	const limited = "{shard_rollouts: 1, shards_in_flight: 4, deadlines: {rollout: 10m}}"
	largeJob := smallJob{agent: startAgent(t, large.gate).url, steps: 1, tasks: four(), timeout: "9m", limits: limited}
	hungJob := smallJob{agent: startAgent(t, hung.gate).url, steps: 1, tasks: four(), timeout: "9m", limits: strings.Replace(limited, "{", "{priority: high, ", 1)}
	failing := smallJob{steps: 1, tasks: four(), attempts: 3, limits: limited}
	for i := range failing.tasks {
		failing.tasks[i].Mischief = refuses
	}
	failing.agent = startAgent(t, nil).url
	largeID, hungID := largeJob.submit(t, to), hungJob.submit(t, to)
	large.await(t, 4)
	hung.await(t, 4)
	failingID := failing.submit(t, to)

	var served atomic.Int64
	counting := startAgent(t, func(context.Context, agent.Request) { served.Add(1) })
	s := smallJob{agent: counting.url, steps: 1, tasks: four()[:2], limits: "{shard_rollouts: 4}"}
	ids := make([]job.ID, small)
	for i := range ids {
		ids[i] = s.submit(t, to)
	}
	for _, id := range ids {
		wantDone(t, awaitEnd(t, to.store, id))
	}
	if got, want := served.Load(), int64(small*2*rollouts); got != want {
		t.Errorf("%d rollouts of %d small jobs were served, they planned %d", got, small, want)
	}
	if n := len(large.reached) + len(hung.reached); n != 0 {
		t.Errorf("%d more rollouts of the limited jobs were begun", n)
	}
	head := awaitEnd(t, to.store, failingID)
	if end := head.End; end.Verdict != job.Broken || !strings.Contains(end.Reason, "32 agent error; rollout 0/0: ") || end.Remedy == "" {
		t.Errorf("the poisoned job ended %+v", end)
	}
	close(large.opened)
	wantDone(t, awaitEnd(t, to.store, largeID))
	if _, err := to.api.Cancel(trained.Within(t, 10*time.Second), hungID, "it hangs"); err != nil {
		t.Fatal(err)
	}
	if head := awaitEnd(t, to.store, hungID); head.End.Verdict != job.Cancelled {
		t.Errorf("the hung job ended %+v", head.End)
	}
}
