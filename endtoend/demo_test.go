package endtoend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/endtoend/programs"
	"github.com/cohort-rl/cohort/job"
)

// summary is the last line of cohort demo -o json.
type summary struct {
	Job        job.ID      `json:"job"`
	State      string      `json:"state"`
	Steps      int         `json:"steps"`
	EvalBefore *float64    `json:"eval_before"`
	EvalAfter  *float64    `json:"eval_after"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Rollouts   job.Totals  `json:"rollouts"`
	Store      string      `json:"store"`
}

// runDemo returns what cohort demo wrote to its standard output.
func runDemo(ctx context.Context, path, dir string, flags ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, append([]string{"demo", "--dir", dir, "--held-out", "20", "-o", "json"}, flags...)...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("cohort demo %v: %w\n%s", flags, err, &said)
	}
	return out.String(), nil
}

func lastLine(t *testing.T, out string) summary {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var s summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s", err, out)
	}
	return s
}

func storeOf(dir string) string { return filepath.Join(dir, "store") }

func TestInterruptedDemoSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program(t), "demo", "--dir", dir, "--steps", "1000", "--held-out", "20", "-o", "json")
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
