//go:build services

package integration_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/endtoend/programs"
	"github.com/cohort-rl/cohort/job"
)

// result is what a job comes to: its checkpoint, and how many rollouts had
// which fate.
type result struct {
	checkpoint blob.Digest
	totals     job.Totals
}

// TestCheckpointIsThatOfTheDemo trains with cohort demo, and then on real
// services: with some numbers of workers, while another worker joins, and while
// each kind of process is killed and started again, on services that no other
// test uses.
func TestCheckpointIsThatOfTheDemo(t *testing.T) {
	t.Parallel()
	const steps = 8
	want := demo(t, steps)
	for _, workers := range []int{1, 3, 6} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			begun := time.Now()
			r := begin(t, realServices(t), workers, steps)
			r.ends(t, want)
			t.Logf("done after %.1f s", time.Since(begun).Seconds())
		})
	}
	t.Run("a worker joins", func(t *testing.T) {
		r := begin(t, realServices(t), 3, steps)
		r.reaches(t, steps/2)
		r.startWorker(t, "joined")
		r.ends(t, want)
		if shards := r.settledBy(t); shards["joined"] == 0 || len(shards) != 4 {
			t.Errorf("shards by worker: %v; each of 4 must have some, the one that joined too", shards)
		} else {
			t.Logf("shards by worker: %v", shards)
		}
	})
	alone := ownServices(t)
	for range kills() {
		for _, victim := range []string{"coordinator", "worker", "redis", "kafka", "minio"} {
			t.Run(victim+" is killed", func(t *testing.T) {
				r := begin(t, alone.apart(t), 3, steps)
				step, later := rand.IntN(steps-1), rand.N(500*time.Millisecond)
				r.reaches(t, step)
				wait(t, later)
				begun := time.Now()
				r.kill(t, victim)
				up := time.Since(begun)
				r.ends(t, want)
				t.Logf("killed %v after commit %d; up again after %.1f s, done after %.1f s", later, step, up.Seconds(), time.Since(begun).Seconds())
			})
		}
	}
}

// kill kills a process and starts it again.
func (r *trial) kill(t *testing.T, victim string) {
	t.Helper()
	switch victim {
	case "coordinator":
		r.coordinator.kill()
		r.startCoordinator(t)
	case "worker":
		r.workers[0].kill()
		r.startWorker(t, "worker-0")
	default:
		r.services.kill(t, victim)
	}
}

// demo is what cohort demo comes to after some steps.
func demo(t *testing.T, steps int) result {
	t.Helper()
	summary, err := programs.Demo(t.Context(), "cohort", t.TempDir(), heldOut, "--seed", "1", "--steps", fmt.Sprint(steps))
	if err != nil {
		t.Fatal(err)
	}
	if summary.Checkpoint == "" {
		t.Fatalf("cohort demo ends with %+v", summary)
	}
	return result{summary.Checkpoint, summary.Rollouts}
}

// ends expects that the job ends at the very checkpoint, with the same fates.
func (r *trial) ends(t *testing.T, want result) {
	t.Helper()
	head := r.done(t)
	if got := (result{head.Checkpoint, head.Totals}); got != want {
		t.Errorf("the job came to %+v, the demo to %+v", got, want)
	}
}

// wait lets some of what the job does happen.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}
