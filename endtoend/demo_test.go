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

// demo runs cohort demo to its end.
func demo(t *testing.T, dir string, flags ...string) summary {
	t.Helper()
	path := program(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out, err := runDemo(ctx, path, dir, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return lastLine(t, out)
}

// runDemo returns what cohort demo wrote to its standard output.
func runDemo(ctx context.Context, path, dir string, flags ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, append([]string{"demo", "--dir", dir, "-o", "json"}, flags...)...)
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

func TestSameSeedEndsAtTheSameCheckpointWithAnyNumberOfWorkers(t *testing.T) {
	t.Parallel()
	var first blob.Digest
	for _, workers := range []string{"1", "3", "8"} {
		s := demo(t, t.TempDir(), "--workers", workers, "--seed", "5", "--steps", "3")
		if s.State != "done" || s.Steps != 3 {
			t.Fatalf("with %s workers: %+v", workers, s)
		}
		if r := s.Rollouts; r.Planned != 3*32*8 || r.Used+r.Dropped+r.Failed != r.Planned {
			t.Errorf("with %s workers: rollouts %+v", workers, r)
		}
		if first == "" {
			first = s.Checkpoint
		}
		if s.Checkpoint != first {
			t.Errorf("with %s workers: checkpoint %s, with 1 worker %s", workers, s.Checkpoint, first)
		}
	}
	if other := demo(t, t.TempDir(), "--seed", "6", "--steps", "3"); other.Checkpoint == first {
		t.Error("another seed ended at the same checkpoint")
	}
}

func TestContinuedJobEndsWhereOneJobDoes(t *testing.T) {
	t.Parallel()
	whole := demo(t, t.TempDir(), "--steps", "6", "--policy", "mlp")
	dir := t.TempDir()
	half := demo(t, dir, "--steps", "3", "--policy", "mlp")
	rest := demo(t, dir, "--steps", "6", "--policy", "mlp", "--start", string(half.Checkpoint))
	if rest.Job == half.Job {
		t.Fatal("the second job is the first")
	}
	if rest.Checkpoint != whole.Checkpoint {
		t.Errorf("3 steps and 3 more end at %s, 6 steps at %s", rest.Checkpoint, whole.Checkpoint)
	}
}

func TestInterruptedDemoSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program(t), "demo", "--dir", dir, "--steps", "1000", "-o", "json")
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitForEntry(t, dir, 1)
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
