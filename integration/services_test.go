//go:build services

package integration_test

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/embedded"
)

// services is where a deployment's Redis, Kafka and store are.
type services struct{ redis, kafka, store string }

// realServices are those of the environment, with a deployment of the test's
// own in them.
func realServices(t *testing.T) services {
	t.Helper()
	return services{setting(t, "COHORT_REDIS"), setting(t, "COHORT_KAFKA"), ownFolder(t, setting(t, "COHORT_STORE"))}
}

// embeddedServices are servers inside the test's process.
func embeddedServices(t *testing.T) services {
	t.Helper()
	dir := t.TempDir()
	redis, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { redis.Close() })
	kafka, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Dir: filepath.Join(dir, "kafka")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kafka.Close() })
	return services{redis.Addr(), kafka.Addr(), "file://" + filepath.ToSlash(filepath.Join(dir, "store"))}
}

// arguments are the flags of a daemon that name the services.
func (s services) arguments() []string {
	return []string{"--redis", s.redis, "--kafka", s.kafka, "--store", s.store}
}

func setting(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: make services-up, and then . data/services/env", name)
	}
	return value
}

// ownFolder is a folder of the bucket that no other test uses. Whoever has it
// has a deployment, and so keys and topics, of its own.
func ownFolder(t *testing.T, store string) string {
	t.Helper()
	u, err := url.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/test-" + uuid.NewString()
	return u.String()
}

// killService kills a service that deploy/services/up started, and has up start
// it again.
func killService(t *testing.T, name string) {
	t.Helper()
	record, err := os.ReadFile(filepath.Join(setting(t, "SERVICES_DATA"), name, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(record), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "../deploy/services/up", name).CombinedOutput(); err != nil {
		t.Fatalf("start %s again: %v\n%s", name, err, out)
	}
}
