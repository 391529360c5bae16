//go:build services

package integration_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopBudget is how long a program may take to end after SIGTERM.
const stopBudget = 30 * time.Second

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	log    string        // file of what it wrote to standard error
	done   chan struct{} // closed when it ended
	err    error         // how it ended; read it after done
	killed bool
	brief  bool // it ends by itself
}

// start runs a program with more in its environment until the test ends, and
// then expects that it ends well.
func start(t *testing.T, environment []string, name string, arguments ...string) *process {
	t.Helper()
	p, out := launch(t, environment, name, arguments...)
	out.Close()
	return p
}

// startAgent runs the example agent and returns its base URL.
func startAgent(t *testing.T, environment []string) string {
	t.Helper()
	_, out := launch(t, environment, "cohort", "example-agent", "--listen", "127.0.0.1:0")
	defer out.Close()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), "."), "listens on ")
	if !ok {
		t.Fatalf("the agent says %q", line)
	}
	return url
}

func launch(t *testing.T, environment []string, name string, arguments ...string) (*process, io.ReadCloser) {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(name, arguments...), done: make(chan struct{}), log: log.Name()}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Env = append(os.Environ(), environment...)
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

// says waits until the program has written the text to its log.
func (p *process) says(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		said, err := os.ReadFile(p.log)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(said), text) {
			return
		}
		select {
		case <-tick.C:
		case <-p.done:
			t.Fatalf("%s ended: %v; it said %s", p.cmd, p.err, said)
		case <-late:
			t.Fatalf("%s did not say %q within %v", p.cmd, text, patience)
		}
	}
}

// stop asks the program to end, unless it was killed, and shows what it said if
// the test failed.
func (p *process) stop(t *testing.T) {
	t.Helper()
	defer p.show(t)
	if p.killed {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !p.brief {
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
func (p *process) show(t *testing.T) {
	t.Helper()
	if t.Failed() {
		if text, err := os.ReadFile(p.log); err == nil {
			t.Logf("%s:\n%s", p.cmd, text)
		}
	}
}

// kill ends the program as a crash would.
func (p *process) kill() {
	p.killed = true
	_ = p.cmd.Process.Kill() // It may have ended.
	<-p.done
}
