package programs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// demoTime bounds a demo.
const demoTime = 3 * time.Minute

// Summary is the last line of cohort demo -o json.
type Summary struct {
	Job        job.ID      `json:"job"`
	State      string      `json:"state"`
	Steps      int         `json:"steps"`
	EvalBefore *float64    `json:"eval_before"`
	EvalAfter  *float64    `json:"eval_after"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Rollouts   job.Totals  `json:"rollouts"`
	Store      string      `json:"store"`
}

// DemoCommand is cohort demo in a folder, by the path of cohort, with heldOut
// tasks in each evaluation, on which no checkpoint depends.
func DemoCommand(ctx context.Context, cohort, dir string, heldOut int, flags ...string) *exec.Cmd {
	return exec.CommandContext(ctx, cohort, append([]string{"demo", "--dir", dir, "--held-out", fmt.Sprint(heldOut), "-o", "json"}, flags...)...)
}

// Demo runs DemoCommand to its end.
func Demo(ctx context.Context, cohort, dir string, heldOut int, flags ...string) (s Summary, err error) {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	var out, said bytes.Buffer
	cmd := DemoCommand(ctx, cohort, dir, heldOut, flags...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return Summary{}, fmt.Errorf("cohort demo %v: %w\n%s", flags, err, &said)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		return Summary{}, fmt.Errorf("cohort demo %v: the last line is no JSON: %w\n%s", flags, err, &out)
	}
	return s, nil
}
