package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"time"
)

// program is one of Cohort's processes in its present life.
type program struct {
	name, path string
	args, env  []string
	logs       string // folder
	begins     chan<- begun
	exists     func(effect string)

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended; read it after ended

	mu    sync.Mutex     // guards doing
	doing map[string]int // effects that it said to begin and not to be over, and how many of each
}

// begun says that a program begins an effect.
type begun struct {
	by     *program
	effect string
}

// effectLine is how a program says in its log that an effect begins or has ended.
var effectLine = regexp.MustCompile(`msg="An effect (begins|is over)\." .*\beffect=(\S+)`)

// start begins a life and returns once the program says that it is ready.
func (p *program) start() error {
	log, err := os.OpenFile(filepath.Join(p.logs, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.cmd, p.ended = exec.Command(p.path, p.args...), make(chan struct{}) //nolint:noctx // stop ends it in its own way
	p.cmd.Env = append(os.Environ(), p.env...)
	reader, writer, err := os.Pipe()
	if err != nil {
		return errors.Join(err, log.Close())
	}
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	err = p.cmd.Start()
	if err = errors.Join(err, writer.Close()); err != nil {
		return errors.Join(err, reader.Close(), log.Close())
	}
	p.mu.Lock()
	p.doing = map[string]int{}
	p.mu.Unlock()
	ready := make(chan struct{}, 1)
	go p.follow(reader, log, ready)
	select {
	case <-ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("%s ended before it was ready: %w; see %s", p.name, p.err, log.Name())
	case <-time.After(patience):
		return fmt.Errorf("%s was not ready within %s; see %s", p.name, patience, log.Name())
	}
}

// follow keeps what the program says, and notes what it begins.
func (p *program) follow(reader io.ReadCloser, log *os.File, ready chan<- struct{}) {
	defer close(p.ended)
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		fmt.Fprintln(log, lines.Text())
		if isReady.MatchString(lines.Text()) {
			ready <- struct{}{}
		}
		if found := effectLine.FindStringSubmatch(lines.Text()); found != nil {
			p.note(found[2], found[1] == "begins")
		}
	}
	_, _ = io.Copy(log, reader) // after a line too long for the scanner
	p.err = errors.Join(p.cmd.Wait(), reader.Close(), log.Close())
}

// isReady is how each kind of program says that it can be used.
var isReady = regexp.MustCompile(`(is ready\.|listens on )`)

func (p *program) note(effect string, begins bool) {
	p.mu.Lock()
	if begins {
		p.doing[effect]++
	} else if p.doing[effect]--; p.doing[effect] <= 0 {
		delete(p.doing, effect)
	}
	p.mu.Unlock()
	if !begins {
		return
	}
	p.exists(effect)
	select {
	case p.begins <- begun{p, effect}:
	default: // nobody waits for one
	}
}

// atWork are the effects that the program has begun and not ended, in the order
// of their names. Of one whose life has ended these are what it died in, since
// all that it said is read by then.
func (p *program) atWork() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.doing))
}

// component is what kind of program it is.
func (p *program) component() string { return filepath.Base(p.path) }

// signal sends a signal to the program.
func (p *program) signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// awaitEnd waits until the life has ended and all that it said is read.
func (p *program) awaitEnd() error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s did not end within %s", p.name, patience)
	}
}

// stop ends the program, and says whether it did not end well by itself.
func (p *program) stop() error {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	select {
	case <-p.ended:
		return fmt.Errorf("%s ended by itself: %w", p.name, p.err)
	default:
	}
	_ = p.signal(syscall.SIGCONT)
	_ = p.signal(syscall.SIGTERM) // It may be about to end.
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end within 30 s of SIGTERM", p.name)
	}
	return p.err
}
