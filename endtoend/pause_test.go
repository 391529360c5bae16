package endtoend_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/endtoend/trained"
)

// A job is paused while its agent keeps rollouts: its worker puts them down, does
// another job meanwhile, and the job ends at the checkpoint at which it would
// have ended anyway.
func TestPausedJobStandsStillAndGoesOn(t *testing.T) {
	t.Parallel()
	to := ownSystem(t, "1")
	k := &keeper{answers: map[int]bool{}}
	b := newBarrier(1)
	s := smallJob{agent: startAgent(t, func(ctx context.Context, r agent.Request) {
		select {
		case <-b.opened:
		default:
			k.gate(ctx, r)
		}
	}).url, steps: 1, tasks: four(), timeout: "100s", limits: fmt.Sprintf("{shard_rollouts: %d}", perShard)}
	id := s.submit(t, to)
	await(t, time.Minute, func(context.Context) (bool, string) {
		asked, held := k.counts()
		return held >= perShard, fmt.Sprintf("%d rollouts were asked for, %d are held", asked, held)
	})
	for range 2 {
		if _, err := to.api.Pause(trained.Within(t, 10*time.Second), id, "a while"); err != nil {
			t.Fatal(err)
		}
	}
	await(t, 20*time.Second, func(ctx context.Context) (bool, string) {
		_, held := k.counts()
		j, err := to.api.Job(ctx, id)
		return err == nil && held == 0 && j.State == api.StatePaused && j.Paused.Reason == "a while", fmt.Sprintf("%d are held; %+v, %v", held, j, err)
	})
	before, _ := k.counts()
	next := smallJob{agent: startAgent(t, nil).url, steps: 1, tasks: four()}
	head, _ := next.run(t, to)
	wantDone(t, head)
	if after, _ := k.counts(); after != before {
		t.Errorf("%d rollouts of the paused job were asked for", after-before)
	}
	close(b.opened)
	if _, err := to.api.Resume(trained.Within(t, 10*time.Second), id, ""); err != nil {
		t.Fatal(err)
	}
	head = awaitEnd(t, to.store, id)
	wantDone(t, head)
	if want := s.undisturbed(t); head.Checkpoint != want {
		t.Errorf("the job ended at %s, undisturbed at %s", head.Checkpoint, want)
	}
}
