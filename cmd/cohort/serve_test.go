package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/results/resultstest"
)

// trained is a store with the trained job example-1.
func trained(t *testing.T) (dir string, store blob.Bucket, j resultstest.Job) {
	t.Helper()
	dir = t.TempDir()
	store, err := fs.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if j, err = resultstest.Write(t.Context(), store, "example-1", &job.End{Verdict: job.Done}); err != nil {
		t.Fatal(err)
	}
	return dir, store, j
}

// served runs the command until the test ends, and returns what it said.
func served(t *testing.T, c *serveCommand) []string {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := c.Run(ctx, &streams{nil, in, io.Discard})
		in.CloseWithError(err)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var lines []string
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if strings.HasPrefix(scanner.Text(), "Ready.") {
			return lines
		}
	}
	t.Fatalf("it was never ready: %q", lines)
	return nil
}

func TestServedPolicyIsThatOfTheCheckpoint(t *testing.T) {
	t.Parallel()
	dir, _, j := trained(t)
	newest, first := j.Checkpoints[resultstest.Steps], j.Checkpoints[0]
	for argument, want := range map[string]job.Checkpoint{
		"example-1":                 newest,
		string(newest.Manifest):     newest,
		string(first.Manifest)[:12]: first,
	} {
		lines := served(t, &serveCommand{Checkpoint: argument, Store: "file://" + dir})
		said := strings.Join(lines, "\n")
		for _, text := range []string{"Checkpoint " + string(want.Manifest), "of job example-1", "/v1/policies/" + string(want.Weights)} {
			if !strings.Contains(said, text) {
				t.Errorf("%s: %q is not in\n%s", argument, text, said)
			}
		}
	}
}

func TestExampleThatServeSuggestsWorks(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	dir, _, _ := trained(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, exposure := range map[string]daemon.Exposure{"open": {}, "with a token": {TokenFile: token}} {
		lines := served(t, &serveCommand{Checkpoint: "example-1", Store: "file://" + dir, PolicyConfig: daemon.PolicyConfig{Exposure: exposure}})
		_, command, _ := strings.Cut(lines[2], "Try it: ")
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
		if err != nil || !strings.Contains(string(out), `"log_prob"`) && !strings.Contains(string(out), `"decisions":[{`) {
			t.Errorf("%s: %s: %q (%v)", name, command, out, err)
		}
		_, policy, _ := strings.Cut(lines[1], "Policy: ")
		base, _, _ := strings.Cut(policy, "/v1/")
		for path, status := range map[string]int{"/healthz": 200, "/readyz": 200} {
			if got := statusOf(t, base+path); got != status {
				t.Errorf("%s: %s answers %d", name, path, got)
			}
		}
		want := http.StatusOK
		if exposure.TokenFile != "" {
			want = http.StatusUnauthorized
		}
		for _, path := range []string{"/metrics", strings.TrimPrefix(policy, base) + "/weights"} {
			if got := statusOf(t, base+path); got != want {
				t.Errorf("%s: %s answers %d, want %d", name, path, got, want)
			}
		}
	}
}

func statusOf(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func TestCheckpointOfOtherNumericsIsNotServed(t *testing.T) {
	t.Parallel()
	dir, store, j := trained(t)
	s, err := spec.Decode("job.yaml", []byte("name: other\nsteps: 1\npolicy: {kind: linear, features: 2}\nagent: {url: \"http://127.0.0.1:1/\"}\ntasks: {data: a, groups: 2}\noptimizer: {learning_rate: 1}\n"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := learner.New(s)
	if err != nil {
		t.Fatal(err)
	}
	m := &checkpoint.Manifest{Training: j.Definition.Training, Numerics: "cohort-0", Shape: l.Shape(), Optimizer: checkpoint.Optimizer{Kind: "adam"}}
	c, err := checkpoint.Save(t.Context(), store, "other-1", job.Folder{}, m, l.State(), 64, nil)
	if err != nil {
		t.Fatal(err)
	}
	entry := job.Entry{Format: job.EntryFormat, Kind: job.KindBegin, Begin: &job.Begin{Numerics: "cohort-0", Checkpoint: c}}
	if err := records.Overwrite(t.Context(), store, job.ID("other-1").LogKey(0), entry); err != nil {
		t.Fatal(err)
	}
	err = (&serveCommand{Checkpoint: "other-1", Store: "file://" + dir}).Run(t.Context(), &streams{nil, io.Discard, io.Discard})
	if err == nil || !strings.Contains(err.Error(), "numerics cohort-0") || !strings.Contains(err.Error(), "serve it with the version that trained it") {
		t.Errorf("%v", err)
	}
}
