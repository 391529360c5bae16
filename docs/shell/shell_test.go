package shell_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/docs/shell"
)

func fixture(t *testing.T, name string) ([]shell.Block, error) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return shell.Blocks(name, string(text))
}

func TestBlocksCarryTheirMarksAndCommands(t *testing.T) {
	t.Parallel()
	blocks, err := fixture(t, "marked.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		skip, ready string
		within      time.Duration
		commands    string
		services    bool
	}{
		{within: shell.UsualDeadline, commands: "echo one\necho two > two.txt"},
		{within: 5 * time.Second, ready: "it's up", commands: "slow &\ncat two.txt"},
		{skip: "needs a cluster", commands: "kubectl apply -f x.yaml"},
		{within: time.Minute, ready: "Ready", services: true, commands: "make services-up"},
		{commands: ""},
		{within: shell.UsualDeadline, commands: "echo three \\\nfour\necho five"},
	}
	if len(blocks) != len(want) {
		t.Fatalf("found %d blocks, want %d", len(blocks), len(want))
	}
	for i, w := range want {
		b := blocks[i]
		if b.Mark.Skip != w.skip || b.Mark.Ready != w.ready || b.Mark.Within != w.within || b.Mark.Services != w.services {
			t.Errorf("%s: mark %+v", b.Name(), b.Mark)
		}
		if got := strings.Join(b.Commands, "\n"); got != w.commands {
			t.Errorf("%s: commands %q, want %q", b.Name(), got, w.commands)
		}
	}
}

func TestBlockWithoutMarkIsRefused(t *testing.T) {
	t.Parallel()
	for name, reason := range map[string]string{
		"unmarked.md":  "unmarked.md:5: put <!-- test: run -->",
		"noreason.md":  "skip gives no reason",
		"unknown.md":   `neither run nor services nor skip`,
		"unclosed.md":  "never closed",
		"separated.md": "put <!-- test: run -->",
	} {
		_, err := fixture(t, name)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", name, err, reason)
		}
	}
}

func TestFailingCommandFailsItsBlock(t *testing.T) {
	t.Parallel()
	said, err := commands("echo before", "false", "echo after").Run(t.Context(), t.TempDir())
	if err == nil || strings.Contains(said, "after") || !strings.Contains(said, "before") {
		t.Errorf("error %v, output %q", err, said)
	}
}

func TestBackgroundCommandEndsWithItsBlock(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]shell.Block{
		"ends on a signal": commands("sleep 600 &", "echo $!", "true"),
		"after a failure":  commands("sleep 600 &", "echo $!", "false"),
		"has left the shell": commands(
			"(sleep 600 & echo $!)",
		),
	} {
		said, _ := b.Run(t.Context(), t.TempDir())
		pid, err := strconv.Atoi(strings.TrimSpace(said))
		if err != nil {
			t.Fatalf("%s: %q: %v", name, said, err)
		}
		waitGone(t, name, pid)
	}
}

// waitGone fails unless the process ends soon, or has ended and waits for its
// parent to notice.
func waitGone(t *testing.T, name string, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("%s: process %d is still running", name, pid)
}

func TestBlockThatHangsIsEndedAtItsDeadline(t *testing.T) {
	t.Parallel()
	b := commands("trap '' TERM", "sleep 600 & wait")
	b.Mark.Within = 300 * time.Millisecond
	begin := time.Now()
	if _, err := b.Run(t.Context(), t.TempDir()); err == nil {
		t.Error("a block past its deadline passed")
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestReadyWaitsForTheBackgroundCommand(t *testing.T) {
	t.Parallel()
	b := commands("(sleep 0.3; touch made; echo listening on it; sleep 600) &", "ls made")
	b.Mark.Ready = "listening on"
	if said, err := b.Run(t.Context(), t.TempDir()); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	b = commands("false &", "true")
	b.Mark.Ready = "listening on"
	if _, err := b.Run(t.Context(), t.TempDir()); err == nil {
		t.Error("a server that ended at once counted as ready")
	}
}

func TestBlockFindsProgramsAndKeepsToItsFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "bin", "cohort-of-this-test")
	if err := os.WriteFile(program, []byte("#!/bin/sh\npwd; cd; pwd\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	said, err := commands("bin/cohort-of-this-test", "cohort-of-this-test").Run(t.Context(), dir)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for line := range strings.Lines(said) {
		if filepath.Base(strings.TrimSpace(line)) != filepath.Base(dir) {
			t.Errorf("stood in %s, want %s", line, dir)
		}
	}
}

func commands(lines ...string) shell.Block {
	return shell.Block{File: "here.md", Mark: shell.Mark{Given: true, Within: shell.UsualDeadline}, Commands: lines}
}
