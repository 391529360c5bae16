package retention_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/retention/retentiontest"
)

// The test binary runs itself with these to be another driver of the jobs of a
// folder.
const (
	envDriver = "COHORT_RETENTION_TEST_DIR"
	envSeed   = "COHORT_RETENTION_TEST_SEED"
)

// entries is how long the log of each job gets.
const entries = 20

// driver is what such a process does; it returns its exit code.
func driver(dir, seed string) int {
	b, err := fs.Open(dir)
	if err == nil {
		var n uint64
		if n, err = strconv.ParseUint(seed, 10, 64); err == nil {
			err = retentiontest.Drive(b, n, entries, os.Stdout)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Processes, eight with -soak, drive the jobs of one folder and prune, while they are stopped
// for up to seconds and killed: no checkpoint that is kept ever misses a blob.
func TestKeptCheckpointsNeverMissABlobOfProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, err := fs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	processes := 4
	if soak() > 0 {
		processes = 8
	}
	trial := retentiontest.Trial{Bucket: b, Processes: processes, Entries: entries, Soak: soak(), Spawn: func(t *testing.T, seed uint64) *exec.Cmd {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), envDriver+"="+dir, fmt.Sprint(envSeed, "=", seed))
		cmd.Stderr = os.Stderr
		return cmd
	}}
	trial.Run(t)
}
