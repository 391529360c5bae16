package endtoend_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/examples/router"
	"github.com/cohort-rl/cohort/results"
)

// TestRouterIsTrainedFromTracesAndBeatsTheOneThatLoggedThem runs the example as
// docs/offline.md tells, with fewer traces, and fewer and longer steps.
func TestRouterIsTrainedFromTracesAndBeatsTheOneThatLoggedThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := router.Config{Seed: 7, Tasks: 60, Conversations: 16, Start: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	if err := router.Files(t.Context(), c, filepath.Join(dir, "traces")); err != nil {
		t.Fatal(err)
	}
	spec, err := os.ReadFile(filepath.Join("..", "examples", "router", "job.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	fewer := strings.NewReplacer("steps: 60", "steps: 20", "learning_rate: 0.1", "learning_rate: 0.3").Replace(string(spec))
	if err := os.WriteFile(filepath.Join(dir, "job.yaml"), []byte(fewer), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	p := launch(t, "cohort", nil, "up", "--dir", data, "--workers", "1", "--listen", "127.0.0.1:0")
	line, err := p.out.await(trained.Within(t, time.Minute), "API:")
	if err != nil {
		t.Fatal(err, p.log.String())
	}
	server := strings.TrimSpace(strings.TrimPrefix(line, "API:"))
	cohort := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(trained.Within(t, 2*time.Minute), program(t), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("cohort %v: %v\n%s\n%s", args, err, out, &p.log)
		}
		return string(out)
	}
	said := cohort("submit", filepath.Join(dir, "job.yaml"), "--server", server, "--key", "router", "--watch")
	for _, want := range []string{"Traces: 960 threads, ", "to train on, of 42 tasks", "held out, of 18 tasks", "not used: no reward;", "not used: incomplete trace;", "not used: no behaviour log-probability;"} {
		if !strings.Contains(said, want) {
			t.Errorf("submitting says nothing of %q:\n%s", want, said)
		}
	}
	id := regexp.MustCompile(`Submitted job ([a-z0-9-]+)\.`).FindStringSubmatch(said)
	if id == nil {
		t.Fatal(said)
	}
	store := "file://" + storeOf(data)
	if !regexp.MustCompile(`(?m)^done at step 20/20 `).MatchString(said) {
		t.Errorf("the job is not done:\n%s", said)
	}
	told := cohort("results", id[1], "--store", store, "-o", filepath.Join(dir, "results"))
	gain := regexp.MustCompile(`(?m)^  gain +(-?[0-9.]+) \(95 %: (-?[0-9.]+) to`).FindStringSubmatch(told)
	if gain == nil {
		t.Fatal(told)
	}
	if low, err := strconv.ParseFloat(gain[2], 64); err != nil || low <= 0 {
		t.Errorf("the trained router is no better:\n%s", told)
	}
	fates, err := os.ReadFile(filepath.Join(dir, "results", results.ThreadsFile))
	if err != nil || strings.Count(string(fates), "\n") != 960 {
		t.Error(err, len(fates))
	}
	whole := regexp.MustCompile(`(?m)^Job ` + regexp.QuoteMeta(id[1]) + `: .*; (\d+) of (\d+) checkpoints are good; findings: 0\. It can be resumed from step 20, `)
	verified := cohort("checkpoint", "verify", id[1], "--store", store, "--deep")
	if good := whole.FindStringSubmatch(verified); good == nil || good[1] != good[2] || good[1] == "0" {
		t.Errorf("verifying says:\n%s", verified)
	}
	replayed := cohort("checkpoint", "replay", id[1], "3", "--store", store)
	if !regexp.MustCompile(`(?m)^Step 3: [0-9a-f]{64} matches\.$`).MatchString(replayed) {
		t.Errorf("replaying says:\n%s", replayed)
	}
	t.Logf("%s%s%s%s", said, told, verified, replayed)
}
