//go:build services

package integration_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopBudget is how long a program may take to end after SIGTERM.
const stopBudget = 30 * time.Second

// programs is the folder that TestMain builds the programs into, before any
// test runs.
var programs string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "cohort-integration-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	programs = dir
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/coordinator", "./cmd/worker", "./examples/countdown/agent")
	cmd.Dir, cmd.Stdout, cmd.Stderr = "..", os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return 1
	}
	return m.Run()
}

// program is a running process.
type program struct {
	cmd    *exec.Cmd
	log    string        // file of what it wrote to standard error
	done   chan struct{} // closed when it ended
	err    error         // how it ended; read it after done
	killed bool
}

// start runs a program until the test ends, and then expects that it ends well.
func start(t *testing.T, name string, arguments ...string) *program {
	t.Helper()
	p, out := launch(t, name, arguments...)
	out.Close()
	return p
}

// startAgent runs the countdown agent and returns its base URL.
func startAgent(t *testing.T) string {
	t.Helper()
	_, out := launch(t, "agent", "-listen", "127.0.0.1:0")
	defer out.Close()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, ok := strings.Cut(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("the agent says %q", line)
	}
	return address
}

func launch(t *testing.T, name string, arguments ...string) (*program, io.ReadCloser) {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.Command(filepath.Join(programs, name), arguments...), done: make(chan struct{}), log: log.Name()}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = writer, log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	log.Close()
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.stop(t) })
	return p, reader
}

// stop asks the program to end, unless it was killed, and shows what it said if
// the test failed.
func (p *program) stop(t *testing.T) {
	t.Helper()
	defer p.show(t)
	if p.killed {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("%s ended by itself", p.cmd)
	}
	select {
	case <-p.done:
		if p.err != nil {
			t.Errorf("%s: %v", p.cmd, p.err)
		}
	case <-time.After(stopBudget):
		t.Errorf("%s did not end within %v of SIGTERM", p.cmd, stopBudget)
		p.kill()
	}
}

// show logs what the program said if the test failed.
func (p *program) show(t *testing.T) {
	t.Helper()
	if t.Failed() {
		if text, err := os.ReadFile(p.log); err == nil {
			t.Logf("%s:\n%s", p.cmd, text)
		}
	}
}

// kill ends the program as a crash would.
func (p *program) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill() // It may have ended.
	<-p.done
}
