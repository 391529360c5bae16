package endtoend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/trained"
)

// transcript is what a program has said so far. It is safe for concurrent use.
type transcript struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
	more chan struct{} // closed at the next write that someone waits for
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
	return s.text.Write(p)
}

// String returns all of it.
func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await returns the first whole line that holds text, once it was said.
func (s *transcript) await(ctx context.Context, text string) (string, error) {
	for {
		s.mu.Lock()
		for line := range strings.Lines(s.text.String()) {
			if strings.HasSuffix(line, "\n") && strings.Contains(line, text) {
				s.mu.Unlock()
				return strings.TrimSpace(line), nil
			}
		}
		if s.more == nil {
			s.more = make(chan struct{})
		}
		more := s.more
		s.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return "", fmt.Errorf("%q was not said: %w", text, context.Cause(ctx))
		}
	}
}

// process is a running program.
type process struct {
	name     string
	cmd      *exec.Cmd
	out, log transcript
	ended    chan struct{} // closed when it has ended
	err      error         // how; read it after ended
	over     bool          // it was ended, one way or the other
}

// start runs a program until stop or kill.
func start(path string, env []string, args ...string) (*process, error) {
	p := &process{name: path[strings.LastIndexByte(path, '/')+1:], cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.Env = append(p.cmd.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop asks the program to end, and expects that it ends well.
func (p *process) stop() error {
	const patience = 30 * time.Second
	if p.over {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		<-p.ended
		return fmt.Errorf("%s ended by itself: %w", p.name, errors.Join(err, p.err))
	}
	select {
	case <-p.ended:
		p.over = true
		return p.err
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s did not end within %s of SIGTERM", p.name, patience), p.kill())
	}
}

// kill ends the program as a crash would.
func (p *process) kill() error {
	p.over = true
	err := p.cmd.Process.Kill()
	<-p.ended
	return err
}

// launch runs a program until the end of the test, which shows what it said if
// the test failed.
func launch(t *testing.T, name string, env []string, args ...string) *process {
	t.Helper()
	p, err := start(programNamed(t, name), env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, &p.log)
		}
	})
	return p
}

// said waits for a line of the program's log, in JSON, with the message, and
// returns its attribute.
func (p *process) said(t *testing.T, message, attribute string) string {
	t.Helper()
	line, err := p.log.await(trained.Within(t, time.Minute), `"msg":"`+message+`"`)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	var attributes map[string]any
	if err := json.Unmarshal([]byte(line), &attributes); err != nil {
		t.Fatal(err)
	}
	value, _ := attributes[attribute].(string)
	return value
}
