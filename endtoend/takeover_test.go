package endtoend_test

import (
	"context"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/endtoend/trained"
)

// barrier keeps the rollouts of one step of a job waiting until it is opened.
type barrier struct {
	step    int
	reached chan struct{} // has an element for each rollout that came
	opened  chan struct{}
}

func newBarrier(step int) *barrier {
	return &barrier{step: step, reached: make(chan struct{}, 4096), opened: make(chan struct{})}
}

func (b *barrier) gate(ctx context.Context, r agent.Request) {
	if r.Step != b.step {
		return
	}
	b.reached <- struct{}{}
	select {
	case <-b.opened:
	case <-ctx.Done():
	}
}

// await waits until n rollouts of the step have come.
func (b *barrier) await(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-b.reached:
		case <-trained.Within(t, time.Minute).Done():
			t.Fatalf("the rollouts of step %d were not asked for", b.step)
		}
	}
}

// In the middle of the job's second step something is lost; the others go on to
// the checkpoint at which the job would have ended anyway.
func TestJobSurvivesTheLossOf(t *testing.T) {
	t.Parallel()
	for _, lost := range []struct {
		name                  string
		coordinators, workers int
		disturb               func(t *testing.T, c *cluster)
	}{
		{"the coordinator that drives it, killed", 2, 1, func(t *testing.T, c *cluster) { t.Helper(); c.takenOver(t, (*process).kill) }},
		{"the coordinator that drives it, stopped", 2, 1, func(t *testing.T, c *cluster) { t.Helper(); c.takenOver(t, (*process).stop) }},
		{"every worker, killed with all rollouts in hand", 1, 1, func(t *testing.T, c *cluster) {
			t.Helper()
			if err := c.workers[0].kill(); err != nil {
				t.Error(err)
			}
			c.startWorker(t, 1)
		}},
		{"all that Redis holds", 1, 1, func(t *testing.T, c *cluster) { t.Helper(); c.loseRedis(t) }},
	} {
		t.Run(lost.name, func(t *testing.T) {
			t.Parallel()
			c := startCluster(t, "file://"+t.TempDir(), nil, lost.coordinators, lost.workers)
			b := newBarrier(2)
			s := smallJob{agent: startAgent(t, b.gate).url, steps: 4, tasks: four()}
			to := system{c.client(t, 0), openStore(t, c.store)}
			id := s.submit(t, to)
			b.await(t, 4*rollouts)
			lost.disturb(t, c)
			close(b.opened)
			head := awaitEnd(t, to.store, id)
			wantDone(t, head)
			if want := s.undisturbed(t); head.Checkpoint != want {
				t.Errorf("the job ended at %s, undisturbed at %s", head.Checkpoint, want)
			}
			if total := head.Totals; total.Planned != 4*4*rollouts || total.Used+total.Dropped+total.Failed != total.Planned || total.Failed > 0 {
				t.Errorf("totals are %+v", total)
			}
		})
	}
}

// takenOver ends the coordinator that drives the job, and waits until the other
// does.
func (c *cluster) takenOver(t *testing.T, end func(*process) error) {
	t.Helper()
	const driving = `"msg":"Driving the job."`
	first := make(chan int, len(c.coordinators))
	ctx := trained.Within(t, time.Minute)
	for n, p := range c.coordinators {
		go func() {
			if _, err := p.log.await(ctx, driving); err == nil {
				first <- n
			}
		}()
	}
	select {
	case n := <-first:
		if err := end(c.coordinators[n]); err != nil {
			t.Fatal(err)
		}
		if _, err := c.coordinators[1-n].log.await(ctx, driving); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		t.Fatal("no coordinator drives the job")
	}
}
