package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cohort-rl/cohort/clock"
)

// child is the example agent in a process of its own.
type child struct {
	cmd     *exec.Cmd
	stdin   io.Closer // the agent ends when it is closed, by us or by our death
	address string
}

// startAgent starts the agent as a child of the same binary and returns once it
// listens. It listens where it did when the folder was used before, because the
// job's spec names the address.
func startAgent(ctx context.Context, command []string, dir string, stderr io.Writer) (*child, error) {
	remembered := filepath.Join(dir, "agent.addr")
	address := "127.0.0.1:0"
	if body, err := os.ReadFile(remembered); err == nil {
		if host, _, err := net.SplitHostPort(strings.TrimSpace(string(body))); err == nil && net.ParseIP(host).IsLoopback() {
			address = strings.TrimSpace(string(body))
		}
	}
	if err := awaitFree(ctx, address); err != nil {
		return nil, err
	}
	args := append(command[1:len(command):len(command)], "--listen", address, "--log", filepath.Join(dir, "agent.jsonl"))
	cmd := exec.Command(command[0], args...) //nolint:gosec,noctx // our own binary; it ends with its standard input
	cmd.Stderr = stderr
	// The Kafka in here asks for no login, whatever the user's own asks for.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "COHORT_KAFKA_") })
	// A signal from the terminal is for us: the agent ends when we have drained.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	c := &child{cmd: cmd, stdin: stdin}
	if c.address, err = firstLine(ctx, stdout); err != nil {
		return nil, errors.Join(fmt.Errorf("start the agent at %s: %w", address, err), c.stop())
	}
	if err := os.WriteFile(remembered, []byte(c.address+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("remember the agent's address: %w", err), c.stop())
	}
	return c, nil
}

// awaitFree waits until an address can be listened on: the agent of a demo that
// was killed a moment ago takes a while to notice.
func awaitFree(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var listen net.ListenConfig
	for {
		l, err := listen.Listen(ctx, "tcp", address)
		if err == nil {
			return l.Close()
		}
		if (clock.System{}).Sleep(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("the agent cannot listen at %s, where the job's spec says that it is: %w; stop what listens there, or use another --dir", address, err)
		}
	}
}

// firstLine reads the address that the agent prints once it listens.
func firstLine(ctx context.Context, r io.Reader) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(r).ReadString('\n')
		read <- line{strings.TrimSpace(text), err}
		_, _ = io.Copy(io.Discard, r) // It prints nothing else that matters.
	}()
	select {
	case l := <-read:
		if l.err != nil {
			return "", fmt.Errorf("it ended before it listened: %w", l.err)
		}
		return l.text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("it does not say where it listens: %w", ctx.Err())
	}
}

// stop ends the agent and waits for its end.
func (c *child) stop() error {
	err := c.stdin.Close()
	gone := make(chan error, 1)
	go func() { gone <- c.cmd.Wait() }()
	select {
	case waitErr := <-gone:
		if _, exited := errors.AsType[*exec.ExitError](waitErr); !exited {
			err = errors.Join(err, waitErr)
		}
	case <-time.After(10 * time.Second):
		err = errors.Join(err, c.cmd.Process.Kill(), <-gone)
	}
	return err
}
