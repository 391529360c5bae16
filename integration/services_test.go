//go:build services

package integration_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/secret"
)

// services is what programs find in their environment, which tells how to reach
// Redis, Kafka and the store.
type services map[string]string

// realServices are those that deploy/services/up started, with a deployment of
// the test's own in them.
func realServices(t *testing.T) services {
	t.Helper()
	s := services{}
	for _, name := range []string{"SERVICES_DATA", "COHORT_REDIS", "COHORT_KAFKA", "COHORT_STORE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if s[name] = os.Getenv(name); s[name] == "" {
			t.Fatalf("%s is not set: make services-up, and then . data/services/env", name)
		}
	}
	return s.apart(t)
}

// ownServices starts services that only this test uses, and may kill.
func ownServices(t *testing.T) services {
	t.Helper()
	f := own(t)
	f.run(t, "up", "redis", "minio", "kafka")
	return readEnvironment(t, filepath.Join(string(f), "env"))
}

// apart has a folder of the bucket that no other test uses. Whoever has it has a
// deployment, and so keys and topics, of its own.
func (s services) apart(t *testing.T) services {
	t.Helper()
	u, err := url.Parse(s["COHORT_STORE"])
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/test-" + uuid.NewString()
	return s.with("COHORT_STORE", u.String())
}

// with has another value of one variable.
func (s services) with(name, value string) services {
	other := services{name: value}
	for n, v := range s {
		if n != name {
			other[n] = v
		}
	}
	return other
}

// environment is s as processes take it, who are patient with services that
// other tests keep busy.
func (s services) environment() []string {
	variables := []string{"COHORT_WAIT=2m"}
	for name, value := range s {
		variables = append(variables, name+"="+value)
	}
	return variables
}

// openStore opens the store as coordinators do.
func (s services) openStore(t *testing.T) blob.Bucket {
	t.Helper()
	store, err := open.Open(t.Context(), s["COHORT_STORE"], open.Options{Credentials: s3.Credentials{
		AccessKey: s["AWS_ACCESS_KEY_ID"], SecretKey: secret.Text(s["AWS_SECRET_ACCESS_KEY"]),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// kill kills a service, and has up start it again.
func (s services) kill(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Kill(folder(s["SERVICES_DATA"]).pid(t, name), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	up := exec.CommandContext(t.Context(), "../deploy/services/up", name)
	up.Env = append(os.Environ(), s.environment()...)
	if out, err := up.CombinedOutput(); err != nil {
		t.Fatalf("start %s again: %v\n%s", name, err, out)
	}
}

// readEnvironment reads a file of exports that up wrote.
func readEnvironment(t *testing.T, file string) services {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := services{}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		if !ok {
			t.Fatalf("%s holds %q", file, line)
		}
		s[name] = strings.Trim(value, "'")
	}
	return s
}
