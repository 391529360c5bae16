//go:build services

package integration_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSecureServicesAreUsedAndRefuseWhoeverHasNoBusinessThere starts Redis,
// Kafka and MinIO that ask for a login and speak TLS under their own authority.
func TestSecureServicesAreUsedAndRefuseWhoeverHasNoBusinessThere(t *testing.T) {
	t.Parallel()
	stage := startStage(t, "secure")
	s := readEnvironment(t, filepath.Join(string(stage.folder), "env"))

	t.Run("job", func(t *testing.T) {
		const steps = 2
		r := begin(t, s.apart(t), 2, steps)
		r.ends(t, demo(t, steps))
	})
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		t.Run(mechanism, func(t *testing.T) {
			login := s.apart(t).with("COHORT_KAFKA_SASL", mechanism)
			r := &trial{services: login}
			r.startCoordinator(t)
			r.coordinator.says(t, "Coordinator is ready")
			login.refused(t, "COHORT_KAFKA_PASSWORD", "not-this", "refuses the login", "--kafka-password")
		})
	}
	plain := s["COHORT_STORE"][:strings.Index(s["COHORT_STORE"], "&ca=")]
	stranger := anotherAuthority(t)
	for name, c := range map[string]struct{ variable, value, what, remedy string }{
		"kafka user":       {"COHORT_KAFKA_USER", "nobody", "refuses the login", "--kafka-user"},
		"redis password":   {"COHORT_REDIS_PASSWORD", "not-this", "refuses the login", "--redis-password"},
		"redis user":       {"COHORT_REDIS_USER", "nobody", "refuses the login", "--redis-user"},
		"store secret":     {"AWS_SECRET_ACCESS_KEY", "not-this", "refuses", "--store-secret-key"},
		"store key":        {"AWS_ACCESS_KEY_ID", "nobody", "refuses", "--store-access-key"},
		"store authority":  {"COHORT_STORE", plain, "unknown authority", "ca=FILE"},
		"bucket":           {"COHORT_STORE", strings.Replace(s["COHORT_STORE"], "//cohort", "//another", 1), "no such bucket", "--store"},
		"redis mistrusted": {"COHORT_REDIS_CA", stranger, "not trusted", "--redis-ca"},
		"kafka mistrusted": {"COHORT_KAFKA_CA", stranger, "not trusted", "--kafka-ca"},
	} {
		t.Run(name, func(t *testing.T) { s.apart(t).refused(t, c.variable, c.value, c.what, c.remedy) })
	}
	accountsAddUpThroughRefusedLogins(t, stage, s)
}

// anotherAuthority is a file of an authority that signed nothing here.
func anotherAuthority(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "keys")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../deploy/services/keys", folder).CombinedOutput(); err != nil {
		t.Fatalf("make keys: %v\n%s", err, out)
	}
	return filepath.Join(folder, "ca.pem")
}

// refused expects that a worker whose environment has another value exits with 1
// and says what is wrong and the setting to look at, and no password.
func (s services) refused(t *testing.T, variable, value, what, setting string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "worker", "--wait", "30s")
	cmd.Env = append(os.Environ(), s.with(variable, value).environment()...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(said.String(), what) || !strings.Contains(said.String(), setting) {
		t.Errorf("%s=%s: %v, %s\nwant exit code 1, %q and %q", variable, value, err, &said, what, setting)
	}
	for _, secret := range []string{s["COHORT_REDIS_PASSWORD"], s["COHORT_KAFKA_PASSWORD"], s["AWS_SECRET_ACCESS_KEY"], "not-this"} {
		if strings.Contains(said.String(), secret) {
			t.Errorf("it says a secret: %s", &said)
		}
	}
}
