package training_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
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

func TestMain(m *testing.M) {
	flag.Int("kills", 3, "how often a demo is killed")
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cohort-training-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := programs.Build(context.Background(), dir, "cmd/cohort"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// summary is the last line of cohort demo -o json.
type summary struct {
	Job        job.ID      `json:"job"`
	State      string      `json:"state"`
	Steps      int         `json:"steps"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Rollouts   job.Totals  `json:"rollouts"`
}

// command is cohort demo with a small evaluation, on which no checkpoint
// depends.
func command(ctx context.Context, dir string, flags ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "cohort", append([]string{"demo", "--dir", dir, "--held-out", "20", "-o", "json"}, flags...)...)
}

// demo runs cohort demo to its end.
func demo(t *testing.T, dir string, flags ...string) summary {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var out, said bytes.Buffer
	cmd := command(ctx, dir, flags...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("cohort demo %v: %v\n%s", flags, err, &said)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var s summary
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatalf("the last line is no JSON: %v\n%s", err, &out)
	}
	return s
}
