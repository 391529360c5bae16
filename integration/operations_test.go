//go:build services

package integration_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// operated is one deployment, to which everything happens that
// docs/operations.md has a row for under "Losing a component" and that no other
// test follows.
type operated struct {
	*trial
	at map[string]folder // of the service that is in use
}

// An operator follows the page. One job outlives the loss of Redis and of Kafka
// for good, of Kafka's data, of everything at once, and of the store, which comes
// back as its backup was. It comes to the same checkpoint, with the same fates.
func TestOperatorFollowsThePageForEachLoss(t *testing.T) {
	t.Parallel()
	if !losses() {
		t.Skip("it takes minutes: use -losses")
	}
	const steps = 14
	want := demo(t, steps)
	s := ownServices(t)
	o := &operated{trial: begin(t, s, 1, steps), at: map[string]folder{}}
	for _, service := range []string{"redis", "kafka", "minio"} {
		o.at[service] = folder(s["SERVICES_DATA"])
	}

	o.reaches(t, 2)
	o.down(t, "redis")
	o.moves(t, "redis", "COHORT_REDIS")
	o.passes(t)

	o.reaches(t, 4)
	o.down(t, "kafka")
	o.forget(t, "kafka")
	o.up(t, "kafka")
	o.passes(t)

	o.reaches(t, 6)
	o.down(t, "kafka")
	o.moves(t, "kafka", "COHORT_KAFKA")
	o.passes(t)

	o.reaches(t, 8)
	o.down(t, "minio")
	backup := filepath.Join(t.TempDir(), "backup")
	copyAll(t, o.kept("minio"), backup)
	o.up(t, "minio")

	o.reaches(t, 10)
	o.stops(t)
	o.down(t, "minio")
	o.forget(t, "minio")
	copyAll(t, backup, o.kept("minio"))
	o.up(t, "minio")
	o.starts(t)
	o.passes(t)

	o.reaches(t, 12)
	o.coordinator.kill()
	o.workers[0].kill()
	for _, service := range []string{"redis", "kafka", "minio"} {
		o.down(t, service)
	}
	for _, service := range []string{"minio", "kafka", "redis"} {
		o.up(t, service)
	}
	o.starts(t)
	o.ends(t, want)
}

// moves starts another server in the place of a service that is lost for good,
// and then Cohort's processes with its address.
func (o *operated) moves(t *testing.T, service, variable string) {
	t.Helper()
	o.stops(t)
	f := own(t)
	f.run(t, "up", service)
	o.services = o.services.with(variable, readEnvironment(t, filepath.Join(string(f), "env"))[variable])
	o.at[service] = f
	o.starts(t, "--rebind")
}

func (o *operated) down(t *testing.T, service string) {
	t.Helper()
	o.at[service].run(t, "down", service)
}

func (o *operated) up(t *testing.T, service string) {
	t.Helper()
	o.at[service].run(t, "up", service)
}

// kept is the folder of all that a service has kept.
func (o *operated) kept(service string) string {
	return filepath.Join(string(o.at[service]), service, "data")
}

// forget deletes it, so that the server starts empty.
func (o *operated) forget(t *testing.T, service string) {
	t.Helper()
	formatted := filepath.Join(filepath.Dir(o.kept(service)), "formatted") // Kafka's alone
	if err := errors.Join(os.RemoveAll(o.kept(service)), os.RemoveAll(formatted)); err != nil {
		t.Fatal(err)
	}
}

// stops ends the coordinator and the worker as systemctl does.
func (o *operated) stops(t *testing.T) {
	t.Helper()
	o.coordinator.end(t)
	o.workers[0].end(t)
}

// starts starts them again, the coordinator with more arguments.
func (o *operated) starts(t *testing.T, arguments ...string) {
	t.Helper()
	o.coordinator = o.start(t, "coordinator", append([]string{"--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"}, arguments...)...)
	o.coordinator.says(t, "Coordinator is ready.")
	o.workers[0] = o.start(t, "worker", "--name", "worker-0")
	o.workers[0].says(t, "Worker is ready.")
}

// passes expects that the doctor finds nothing that fails.
func (o *operated) passes(t *testing.T) {
	t.Helper()
	doctor := exec.CommandContext(t.Context(), "cohort", "doctor")
	doctor.Env = append(os.Environ(), o.services.environment()...)
	if out, err := doctor.CombinedOutput(); err != nil {
		t.Errorf("cohort doctor: %v\n%s", err, out)
	}
}

// copyAll copies a folder with all that is in it.
func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(to, 0o700), os.CopyFS(to, os.DirFS(from))); err != nil {
		t.Fatal(err)
	}
}
