package services_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/cmd/internal/services/servicestest"
)

const password = "hunter2-is-the-password"

// secretFile is a file with the password.
func secretFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// whole is a configuration with services that answer.
func whole(t *testing.T) services.Config {
	t.Helper()
	return services.Config{
		Redis: []string{miniredis.RunT(t).Addr()},
		Kafka: []string{servicestest.Kafka(t)},
		Store: "file://" + filepath.Join(t.TempDir(), "store"),
		Wait:  10 * time.Second,
	}
}

// refused says what Connect is refused with.
func refused(t *testing.T, c services.Config) string {
	t.Helper()
	var log strings.Builder
	conns, err := c.Connect(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil {
		_ = conns.Close()
		t.Fatal("it was let in")
	}
	if strings.Contains(err.Error()+log.String(), password) {
		t.Errorf("a secret is told: %v\n%s", err, log.String())
	}
	return err.Error()
}

// connected connects and returns what was logged.
func connected(t *testing.T, c services.Config) string {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	conns, err := c.Connect(t.Context(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := conns.Close(); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), password) {
		t.Errorf("a secret is told: %s", log.String())
	}
	return log.String()
}

// says checks that text has all of want.
func says(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}
