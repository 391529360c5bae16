//go:build services

package machines_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job/spec"
)

// system is Cohort and the example agent, all of it binaries of one machine.
// Whatever computes a number that reaches a checkpoint is in there.
type system struct {
	client *api.Client
	agent  string
}

// startSystem runs the system until the test ends.
func startSystem(ctx context.Context, t *testing.T, cohort []string) system {
	t.Helper()
	up := start(ctx, t, `API: +(\S+)`, append(slices.Clone(cohort), "up", "--dir", t.TempDir(), "--listen", "127.0.0.1:0"))
	agent := start(ctx, t, `listens on (\S+)\.`, append(slices.Clone(cohort), "example-agent", "--listen", "127.0.0.1:0"))
	client, err := api.NewClient(up, api.Access{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return system{client, agent}
}

// start runs a program until the test ends and returns what it first says in
// the place of the group of the pattern.
func start(ctx context.Context, t *testing.T, pattern string, command []string) string {
	t.Helper()
	ctx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	said, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		for range lines { // until the program has closed its output
		}
		_ = cmd.Wait() // It was told to end.
		if text, err := os.ReadFile(said.Name()); err == nil && t.Failed() {
			t.Logf("%s:\n%s", cmd, text)
		}
		said.Close()
	})
	wanted := regexp.MustCompile(pattern)
	for line := range lines {
		if m := wanted.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	t.Fatalf("%s ended before it said %q", cmd, pattern)
	return ""
}

// train does a job and returns it as it ended.
func (s system) train(ctx context.Context, text string) (api.Job, error) {
	j, _, err := s.client.Submit(ctx, api.Submission{
		File: "job.yaml",
		Spec: []byte(strings.Replace(text, "AGENT", s.agent, 1)),
		Data: map[string][]byte{spec.RoleTasks: countdown.Train()},
	})
	if err != nil {
		return api.Job{}, err
	}
	if err := s.client.Watch(ctx, j.ID, 0, func(api.Event) error { return nil }); err != nil {
		return api.Job{}, err
	}
	if j, err = s.client.Job(ctx, j.ID); err == nil && j.State != api.StateDone {
		err = fmt.Errorf("the job is %s: %s", j.State, j.Reason)
	}
	return j, err
}
