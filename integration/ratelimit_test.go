//go:build services

package integration_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/telemetry/ratelimit"
)

// envLimited makes this program a process of a tenant that sends as much as it
// may, under the limit of the Redis at that address, until its standard input
// ends.
const envLimited = "COHORT_TEST_LIMITED"

// A burst is worth five seconds of the rate, so one that is given again after a
// restart cannot hide in the time that the restart takes.
func sharedLimit() ratelimit.Limit { return ratelimit.Limit{Rate: 200, Burst: 1000} }

// What such a process writes: a line for each event.
const (
	passed  = "passed"
	refused = "refused"
)

// limited is what such a process does.
func limited(address string) int {
	client := redis.NewClient(&redis.Options{Addr: address, ContextTimeoutEnabled: true})
	defer client.Close()
	limiter, err := ratelimit.New(client, "rate:", sharedLimit(), 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	for ctx.Err() == nil {
		err := limiter.Allow(ctx, "tenant", 1)
		pause := 20 * time.Millisecond
		if told, ok := errors.AsType[*ratelimit.Limited](err); ok {
			pause = min(told.RetryAfter, pause)
			fmt.Println(refused)
		}
		if err == nil {
			fmt.Println(passed)
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
	return 0
}

// tenant is the processes of one tenant and what they were granted.
type tenant struct {
	lines   chan string // room for all of a test
	granted int
	stdin   []io.Closer
	reading sync.WaitGroup
}

func startTenant(t *testing.T, address string, processes int) *tenant {
	t.Helper()
	all := &tenant{lines: make(chan string, 1<<20)}
	for range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), envLimited+"="+address)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all.stdin = append(all.stdin, in)
		all.reading.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				all.lines <- lines.Text()
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	return all
}

// spend waits until so many events more passed, and one was refused after them:
// no burst is left over.
func (all *tenant) spend(t *testing.T, events int) {
	t.Helper()
	for len(all.lines) > 0 {
		all.count(<-all.lines) // of before
	}
	for enough := all.granted + events; ; {
		select {
		case line := <-all.lines:
			all.count(line)
			if line == refused && all.granted >= enough {
				return
			}
		case <-time.After(time.Minute):
			t.Fatalf("nothing passes any more, after %d events", all.granted)
		}
	}
}

func (all *tenant) count(line string) {
	if line == passed {
		all.granted++
	}
}

// stop ends the processes and returns how many events passed in all.
func (all *tenant) stop() int {
	for _, in := range all.stdin {
		in.Close()
	}
	go func() {
		all.reading.Wait()
		close(all.lines)
	}()
	for line := range all.lines {
		all.count(line)
	}
	return all.granted
}

// T7: the processes of a tenant never pass more than the limit, while Redis is
// killed and comes back as it was, empty, or as it was long ago.
func TestThreeProcessesKeepOneLimitWhileRedisIsKilled(t *testing.T) {
	t.Parallel()
	f := own(t)
	f.run(t, "up", "redis")
	data, old := filepath.Join(string(f), "redis", "data"), filepath.Join(t.TempDir(), "old")
	began := time.Now()
	all := startTenant(t, f.redis(t).Options().Addr, 3)
	all.spend(t, 20)
	if err := os.CopyFS(old, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	restarts := map[string]func() error{
		"as it was": func() error { return nil },
		"empty":     func() error { return os.RemoveAll(data) },
		"long ago":  func() error { return errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(old))) },
	}
	order := []string{"long ago", "empty", "long ago", "as it was"}
	times := max(5, kills())
	for n := range times {
		all.spend(t, 100)
		if err := syscall.Kill(f.pid(t, "redis"), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		how := order[n%len(order)]
		if err := restarts[how](); err != nil {
			t.Fatal(err)
		}
		f.run(t, "up", "redis")
		t.Logf("%6.2f s: %d events passed; Redis was killed and is back %s", time.Since(began).Seconds(), all.granted, how)
	}
	all.spend(t, 100)
	granted := all.stop()
	took := time.Since(began)
	limit := sharedLimit()
	most := limit.Rate*took.Seconds() + float64(limit.Burst)
	t.Logf("3 processes, %d restarts, %.2f s: %d events passed, at most %.0f (%.0f/s, burst %d)", times, took.Seconds(), granted, most, limit.Rate, limit.Burst)
	if float64(granted) > most {
		t.Errorf("%d events passed, at most %.0f", granted, most)
	}
}
