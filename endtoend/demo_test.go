package endtoend_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/programs"
)

// heldOut is how many tasks an evaluation attempts.
const heldOut = 20

func storeOf(dir string) string { return filepath.Join(dir, "store") }

func TestInterruptedDemoSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said bytes.Buffer
	cmd := programs.DemoCommand(ctx, program(t), dir, heldOut, "--steps", "1000")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := programs.AwaitEntry(t.Context(), dir, 1); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit %v, want 1", err)
	}
	if !strings.Contains(said.String(), "goes on from the last commit") || !strings.Contains(said.String(), dir) {
		t.Errorf("it does not say how to go on:\n%s", &said)
	}
}
