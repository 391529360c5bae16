package endtoend_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/numerics"
)

// waitForEntry returns once entry n of the log of the only job in a folder is
// there.
func waitForEntry(t *testing.T, dir string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	pattern := filepath.Join(storeOf(dir), "jobs", "*", "log", fmt.Sprintf("%020d.json", n))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("log entry %d did not appear in %s", n, dir)
		}
	}
}

func TestKilledDemoGoesOnToTheSameCheckpoint(t *testing.T) {
	t.Parallel()
	const steps, kills = 4, 3
	flags := []string{"--seed", "9", "--steps", fmt.Sprint(steps)}
	undisturbed := demo(t, t.TempDir(), flags...)
	random := numerics.NewStream(uint64(time.Now().UnixNano()))
	for range kills {
		dir := t.TempDir()
		k := random.IntN(steps)
		cmd := exec.CommandContext(t.Context(), program(t), append([]string{"demo", "--dir", dir}, flags...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		waitForEntry(t, dir, k)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Fatalf("killed after entry %d: %v", k, err)
		}
		s := demo(t, dir, flags...)
		if s.Checkpoint != undisturbed.Checkpoint || s.Rollouts.Planned != undisturbed.Rollouts.Planned {
			t.Errorf("killed after entry %d: ended at %s with %+v, undisturbed at %s with %+v",
				k, s.Checkpoint, s.Rollouts, undisturbed.Checkpoint, undisturbed.Rollouts)
		}
	}
}

func TestNothingOutsideItsFolderIsTouched(t *testing.T) {
	t.Parallel()
	home, tmp := t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), program(t), "demo", "--dir", t.TempDir(), "--steps", "1")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+tmp)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, dir := range []string{home, tmp, cmd.Dir} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && path != dir {
				t.Errorf("it left %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
