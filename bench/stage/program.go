// Package stage sets up what a benchmark runs on: Redis, Kafka and a store,
// embedded or real, Cohort's programs as processes of their own, an agent, and a
// job. It measures from outside: commits by the job's log, time of processors
// by process.
package stage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Program is a running process. Only who started it stops it.
type Program struct {
	Name string
	// Said is the line by which it said that it is ready.
	Said string

	cmd   *exec.Cmd
	stdin io.Closer
	log   *os.File
	ended chan struct{} // closed when it has ended
	err   error         // how; read it after ended
}

// patience bounds the start and the end of a program.
const patience = 30 * time.Second

// Start runs a program and returns once it wrote a line with ready in it, to
// standard output or standard error. What it writes to standard error is kept
// in a file in dir. Its standard input ends with this process.
func Start(ctx context.Context, dir, name, ready, path string, args ...string) (*Program, error) {
	p := &Program{Name: name, cmd: exec.Command(path, args...), ended: make(chan struct{})} //nolint:noctx // Stop ends it in its own way
	var err error
	if p.log, err = os.CreateTemp(dir, name+"-*.log"); err != nil {
		return nil, err
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	if p.stdin, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	err = errors.Join(err, writer.Close()) // the program has its own
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), reader.Close(), p.log.Close())
	}
	said := make(chan string, 1)
	go p.follow(reader, ready, said)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case p.Said = <-said:
		return p, nil
	case <-p.ended:
		err = fmt.Errorf("%s ended before it was ready: %w", name, p.err)
	case <-timer.C:
		err = fmt.Errorf("%s was not ready within %s", name, patience)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return nil, errors.Join(err, p.Stop())
}

// tail is the end of what the program said.
func (p *Program) tail() []byte {
	log, _ := os.ReadFile(p.log.Name()) // What is missing there is not said.
	return log[max(0, len(log)-2<<10):]
}

// follow copies what the program writes until it has ended.
func (p *Program) follow(reader io.ReadCloser, ready string, said chan<- string) {
	defer close(p.ended)
	defer reader.Close()
	waiting := true
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		fmt.Fprintln(p.log, lines.Text())
		if waiting && strings.Contains(lines.Text(), ready) {
			waiting = false
			said <- lines.Text()
		}
	}
	_, _ = io.Copy(io.Discard, reader) // after a line too long for the scanner
	p.err = errors.Join(p.cmd.Wait(), p.log.Close())
}

// Stop asks the program to end and waits for it; it is killed if it takes too
// long. Its error says that it did not end well.
func (p *Program) Stop() error {
	_ = p.stdin.Close()                       // Who follows it ends by that.
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // It may have ended.
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if p.err != nil && !terminated(p.err) {
		return fmt.Errorf("%s: %w; it said:\n%s", p.Name, p.err, p.tail())
	}
	return nil
}

// terminated says that a process ended by the very signal to stop, which may
// reach it when it is ending already and listens to none.
func terminated(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// PID is the process's number.
func (p *Program) PID() int { return p.cmd.Process.Pid }
