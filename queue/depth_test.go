package queue_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

func TestDepthsCountWhatWaitsAndWhatIsInHand(t *testing.T) {
	t.Parallel()
	r := connect(t)
	c := queue.NewClient(r, prefix)
	if got, err := c.Depths(t.Context()); err != nil || !slices.Equal(got, []queue.Depth{{Queue: "collect"}, {Queue: "eval"}, {Queue: "training"}}) {
		t.Errorf("before any task: %+v, %v", got, err)
	}
	evaluation, collect := rollouts(2), rollouts(3)
	evaluation.Shard.Unit.Eval = "e"
	collect.Shard.Phase = job.Collect
	enqueue(t, c, rollouts(0), rollouts(1), evaluation)
	proceed, taken := make(chan struct{}), make(chan struct{}, 10)
	defer close(proceed)
	enqueue(t, c, collect)
	serve(t, r, time.Millisecond, func(context.Context, queue.Task) error {
		taken <- struct{}{}
		<-proceed
		return nil
	})
	receive(t, taken)
	got, err := c.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	waiting, running := 0, 0
	for _, d := range got {
		waiting += d.Waiting
		running += d.Running
		if d.Oldest < 0 || d.Oldest > time.Minute {
			t.Errorf("the oldest task of %s waits for %s", d.Queue, d.Oldest)
		}
	}
	if waiting != 3 || running != 1 {
		t.Errorf("depths are %+v", got)
	}
}
