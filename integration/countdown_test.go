//go:build services

package integration_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job"
)

// TestCheckpointIsThatOfTheEmbeddedRun trains on embedded services, and then on
// real ones with some numbers of workers, and while each process is killed.
func TestCheckpointIsThatOfTheEmbeddedRun(t *testing.T) {
	t.Parallel()
	want := trained(t, embeddedServices(t), 2)
	for _, workers := range []int{1, 3, 6} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			same(t, trained(t, realServices(t), workers), want)
		})
	}
	t.Run("a worker joins", func(t *testing.T) {
		r := begin(t, realServices(t), 3)
		r.reaches(t, steps/2)
		r.startWorker(t)
		same(t, r.done(t), want)
	})
	for name, kill := range map[string]func(*testing.T, *run){
		"coordinator": func(t *testing.T, r *run) { t.Helper(); r.coordinator.kill(); r.startCoordinator(t) },
		"worker":      func(t *testing.T, r *run) { t.Helper(); r.workers[0].kill(); r.startWorker(t) },
		"redis":       func(t *testing.T, _ *run) { t.Helper(); killService(t, "redis") },
		"kafka":       func(t *testing.T, _ *run) { t.Helper(); killService(t, "kafka") },
		"minio":       func(t *testing.T, _ *run) { t.Helper(); killService(t, "minio") },
	} {
		t.Run(name+" is killed", func(t *testing.T) {
			r := begin(t, realServices(t), 3)
			r.reaches(t, rand.IntN(steps-1))
			wait(t, rand.N(500*time.Millisecond))
			begin := time.Now()
			kill(t, r)
			up := time.Since(begin)
			same(t, r.done(t), want)
			t.Logf("up again after %.1f s, done after %.1f s", up.Seconds(), time.Since(begin).Seconds())
		})
	}
}

// trained runs the job to its end.
func trained(t *testing.T, s services, workers int) *job.Head {
	t.Helper()
	r := begin(t, s, workers)
	begin := time.Now()
	head := r.done(t)
	took := time.Since(begin).Seconds()
	t.Logf("%d workers: %d rollouts in %.1f s, %.0f a second", workers, head.Totals.Planned, took, float64(head.Totals.Planned)/took)
	return head
}

// same expects the very checkpoint, and the same fates.
func same(t *testing.T, got, want *job.Head) {
	t.Helper()
	if got.Checkpoint != want.Checkpoint || got.Totals != want.Totals {
		t.Errorf("checkpoint %s with totals %+v; on embedded services %s with %+v", got.Checkpoint, got.Totals, want.Checkpoint, want.Totals)
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
