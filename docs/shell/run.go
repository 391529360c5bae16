package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// preamble makes a failing command end the block, and ends what the block
// started in the background before the shell exits.
const preamble = `set -euo pipefail
finish() {
  code=$?
  trap - EXIT
  for job in $(jobs -p); do kill -TERM "$job" 2>/dev/null || true; done
  wait
  exit "$code"
}
trap finish EXIT
ready() {
  until grep -qF -- "$1" "$DOCS_TEST_OUTPUT"; do
    jobs -r | grep -q . || { echo "the command in the background ended before it said: $1"; exit 1; }
    sleep 0.05
  done
}
`

// script returns the block as a program for bash.
func script(b Block) string {
	var text strings.Builder
	text.WriteString(preamble)
	for _, command := range b.Commands {
		text.WriteString(command + "\n")
		if b.Mark.Ready != "" && inBackground(command) {
			text.WriteString("ready " + quoted(b.Mark.Ready) + "\n")
		}
	}
	return text.String()
}

func inBackground(command string) bool {
	return strings.HasSuffix(command, "&") && !strings.HasSuffix(command, "&&")
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Run executes the block in folder dir, where bin holds the programs, and returns
// what it printed. When Run returns, nothing that the block started is left: its
// process group is killed.
func (b Block) Run(ctx context.Context, dir string) (output string, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.Mark.Within)
	defer cancel()
	out, err := os.CreateTemp(dir, ".output-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(out.Name()) }() // dir is the caller's to remove
	defer func() { _ = out.Close() }()

	shell := exec.CommandContext(ctx, "bash", "-c", script(b))
	shell.Dir = dir
	shell.Env = environment(dir, out.Name())
	shell.Stdout, shell.Stderr = out, out
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Cancel = func() error { return killGroup(shell.Process.Pid) }
	shell.WaitDelay = 5 * time.Second

	err = shell.Run()
	if shell.Process != nil {
		err = errors.Join(err, killGroup(shell.Process.Pid))
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("not done within %v: %w", b.Mark.Within, ctx.Err())
	}
	said, readErr := os.ReadFile(out.Name())
	return string(said), errors.Join(err, readErr)
}

// killGroup kills every process of the group; an empty group is no error.
func killGroup(group int) error {
	err := syscall.Kill(-group, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// environment lets a block find the programs and keeps it from the user's own files.
func environment(dir, output string) []string {
	return append(os.Environ(),
		"PATH="+filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"HOME="+dir,
		"XDG_CONFIG_HOME="+filepath.Join(dir, ".config"),
		"NO_COLOR=1",
		"DOCS_TEST_OUTPUT="+output,
	)
}
