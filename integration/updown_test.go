//go:build services

package integration_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// folder is a data folder of its own for the scripts up and down.
type folder string

// own returns an empty folder and takes down what is left in it at the end.
func own(t *testing.T) folder {
	t.Helper()
	f := folder(t.TempDir())
	t.Cleanup(func() {
		if out, err := f.script("down").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	return f
}

func (f folder) script(name string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join("..", "deploy", "services", name), arguments...)
	cmd.Env = append(os.Environ(), "SERVICES_DATA="+string(f))
	return cmd
}

func (f folder) run(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := f.script(name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// pid is the process that is recorded for a service.
func (f folder) pid(t *testing.T, service string) int {
	t.Helper()
	record, err := os.ReadFile(filepath.Join(string(f), service, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(record), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func (f folder) redis(t *testing.T) *redis.Client {
	t.Helper()
	port, err := os.ReadFile(filepath.Join(string(f), "ports", "redis"))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + strings.TrimSpace(string(port)), ContextTimeoutEnabled: true})
	t.Cleanup(func() { client.Close() })
	return client
}

func TestUpStartsOnlyWhatDoesNotRun(t *testing.T) {
	t.Parallel()
	f := own(t)
	f.run(t, "up", "redis")
	first := f.pid(t, "redis")
	if err := f.redis(t).Set(t.Context(), "key", "kept", 0).Err(); err != nil {
		t.Fatal(err)
	}
	f.run(t, "up", "redis")
	if f.pid(t, "redis") != first {
		t.Error("a server that ran was started again")
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.run(t, "up", "redis")
	if f.pid(t, "redis") == first {
		t.Error("a killed server was not started again")
	}
	if value, err := f.redis(t).Get(t.Context(), "key").Result(); value != "kept" {
		t.Errorf("after a kill: %q, %v", value, err)
	}
}

func TestDownStopsWhatUpStartedAndNothingElse(t *testing.T) {
	t.Parallel()
	f := own(t)
	f.run(t, "up", "redis")
	f.run(t, "down")
	if err := f.redis(t).Ping(t.Context()).Err(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after down: %v", err)
	}
	f.run(t, "down")

	// The number was given to another process since.
	other := exec.CommandContext(t.Context(), "sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	record := fmt.Sprintf("%d 1\n", other.Process.Pid)
	if err := os.WriteFile(filepath.Join(string(f), "redis", "pid"), []byte(record), 0o600); err != nil {
		t.Fatal(err)
	}
	f.run(t, "down")
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("another process was ended: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = other.Wait() // It was killed.
}

func TestUpRefusesATakenPort(t *testing.T) {
	t.Parallel()
	f := own(t)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := f.script("up", "redis")
	cmd.Env = append(cmd.Env, "SERVICES_REDIS_PORT="+port)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "port of redis is taken") {
		t.Errorf("%v: %s", err, out)
	}
}
