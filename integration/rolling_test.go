//go:build services

package integration_test

import (
	"fmt"
	"testing"
)

// Everything is replaced in the middle of a job, one after the other and as an
// operator does: SIGTERM, and a new start; with -losses the services too. Each ends
// well by itself, and the job comes to the same checkpoint with the same fates: no
// rollout is lost.
func TestJobOutlivesARollingRestartOfEverything(t *testing.T) {
	t.Parallel()
	want := demo(t, weatherSteps)
	s := realServices(t)
	if losses() {
		s = ownServices(t)
	}
	r := begin(t, s, 2, weatherSteps)
	other := r.start(t, "coordinator", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	r.reaches(t, 1)
	r.coordinator.end(t)
	r.coordinator = other
	again := r.start(t, "coordinator", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	again.says(t, "Coordinator is ready.")
	other.end(t)
	r.coordinator = again
	r.reaches(t, 2)
	for n, p := range r.workers {
		p.end(t)
		r.startWorker(t, fmt.Sprintf("worker-%d", n))
	}
	if losses() {
		data := folder(s["SERVICES_DATA"])
		for n, service := range []string{"redis", "kafka", "minio"} {
			r.reaches(t, 3+n)
			data.run(t, "down", service)
			data.run(t, "up", service)
		}
	}
	r.ends(t, want)
}

// end asks the program to end in the middle of a test, and expects that it does
// so well.
func (p *process) end(t *testing.T) {
	t.Helper()
	p.stop(t)
	p.killed = true
}
