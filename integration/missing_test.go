//go:build services

package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUpSaysWhatToInstall starts services on a machine that has nothing but Go
// and what every system has.
func TestUpSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	system := []string{"bash", "dirname", "mkdir", "flock", "go", "tr", "awk", "rm"}
	for _, c := range []struct {
		service, missing string
		there            []string
		want             string
	}{
		{"kafka", "Java", system, "Java is missing, which runs Kafka: install a JRE 17 or newer"},
		{"kafka", "Maven", append([]string{"java"}, system...), "Maven is missing, which fetches Kafka: install it"},
		{"redis", "apt", system, "Redis is missing, and so is apt-get, which would fetch it: install Redis 6.2 or newer"},
		{"redis", "Go", system[:4], "Go is missing: install Go"},
	} {
		t.Run(c.missing, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, name := range c.there {
				if program, err := exec.LookPath(name); err == nil {
					if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}
			cmd := exec.CommandContext(t.Context(), "../deploy/services/up", c.service)
			cmd.Env = append(os.Environ(), "PATH="+dir, "SERVICES_CACHE="+filepath.Join(dir, "cache"), "SERVICES_DATA="+filepath.Join(dir, "data"))
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), c.want) {
				t.Errorf("%v: %s\nwant %q", err, out, c.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); !os.IsNotExist(err) {
				t.Errorf("it has begun with data: %v", err)
			}
		})
	}
}
