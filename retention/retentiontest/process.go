package retentiontest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// lifetime ends a process that everybody has forgotten.
const lifetime = 10 * time.Minute

func jobOf(n int) job.ID { return job.ID(fmt.Sprintf("kept-%d", n)) }

// Drive drives one job after the other, each to so many entries, until SIGTERM.
// Now and then it stops itself, as SIGSTOP does, in the place of a request, and
// says so in a line of told. Whoever runs it sends it SIGCONT.
func Drive(b blob.Bucket, seed uint64, entries int, told io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), lifetime)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	l := &luck{rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // a test's own luck
	for n := 0; ctx.Err() == nil; n++ {
		d := Driver{Bucket: stopping{b, l, told}, Job: jobOf(n), Keep: 1 + n%2, Entries: entries, IntN: l.IntN}
		for more := true; more; {
			var err error
			if more, err = d.Turn(ctx); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	}
	return nil
}

// luck is random numbers for several goroutines.
type luck struct {
	mu   sync.Mutex // guards rand
	rand *rand.Rand
}

func (l *luck) IntN(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n)
}

// stopping is a store before whose requests this process stops at times.
type stopping struct {
	blob.Bucket
	luck *luck
	told io.Writer
}

// seldom is how many requests there are to each that stops the process.
const seldom = 300

func (s stopping) stop(ctx context.Context) {
	if s.luck.IntN(seldom) == 0 && ctx.Err() == nil {
		fmt.Fprintln(s.told, "stops")
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) // where that fails nobody is counted as continued
	}
}

func (s stopping) Get(ctx context.Context, key string) (blob.Object, error) {
	s.stop(ctx)
	return s.Bucket.Get(ctx, key)
}

func (s stopping) Head(ctx context.Context, key string) (blob.Info, error) {
	s.stop(ctx)
	return s.Bucket.Head(ctx, key)
}

func (s stopping) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	s.stop(ctx)
	return s.Bucket.Put(ctx, key, body, cond)
}

func (s stopping) Delete(ctx context.Context, key string) error {
	s.stop(ctx)
	return s.Bucket.Delete(ctx, key)
}

// Trial is processes that drive the same jobs of a store while somebody loads
// what is kept.
type Trial struct {
	Bucket    blob.Bucket                               // the store
	Spawn     func(t *testing.T, seed uint64) *exec.Cmd // describes a process that calls Drive on it
	Processes int                                       // at once
	Entries   int                                       // of each job
	Soak      time.Duration                             // how long at least; two jobs are driven to their end in any case

	stops, kills, loaded atomic.Int64
	ended                chan struct{}
}

// Run stops, continues and kills the processes at moments that nobody chose,
// until it is over, and never before somebody was stopped. No checkpoint that is kept ever misses a blob.
func (r *Trial) Run(t *testing.T) {
	t.Helper()
	const jobs, readers = 2, 2 // one job with each number that is kept
	r.ended = make(chan struct{})
	var drivers, watches sync.WaitGroup
	for p := range r.Processes {
		drivers.Go(func() { r.drivers(t, uint64(p)) }) //nolint:gosec // few
	}
	began := time.Now()
	for range readers {
		watches.Go(func() {
			for n := 0; !t.Failed() && t.Context().Err() == nil && (n < jobs || time.Since(began) < r.Soak || r.stops.Load() == 0); {
				last, loaded, err := Look(t.Context(), r.Bucket, jobOf(n))
				r.loaded.Add(int64(loaded))
				if err != nil {
					t.Error(err)
				}
				if last >= r.Entries {
					n++
				}
				if loaded == 0 {
					rest(t.Context(), 10*time.Millisecond)
				}
			}
		})
	}
	watches.Wait()
	close(r.ended)
	drivers.Wait()
	r.conclude(t)
}

// rest waits for d or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// drivers runs one process after the other, each until it is killed, and the
// last until it is asked to end.
func (r *Trial) drivers(t *testing.T, place uint64) {
	t.Helper()
	l := rand.New(rand.NewPCG(place, 1)) //nolint:gosec // a test's own luck
	for n := uint64(0); ; n++ {
		cmd := r.Spawn(t, place+1000*n)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Error(err)
			return
		}
		gone := make(chan struct{})
		var weather sync.WaitGroup
		var killed, asked bool
		weather.Go(func() { killed, asked = r.disturb(cmd.Process, l, gone) })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			r.stops.Add(1)
		}
		err = cmd.Wait()
		close(gone)
		weather.Wait()
		if cmd.ProcessState.ExitCode() > 0 || !killed && !asked && err != nil {
			t.Errorf("driver %d: %v", place, err)
		}
		if !killed || asked {
			return
		}
	}
}

// disturb stops a process for up to seconds, lets it go on, also where it has
// stopped itself, and at last kills it or, when the trial has ended, asks it to
// end.
func (r *Trial) disturb(p *os.Process, l *rand.Rand, gone chan struct{}) (killed, asked bool) {
	send := func(s syscall.Signal) { _ = p.Signal(s) } // it may have ended
	ended := r.ended
	for n := 0; ; n++ {
		pause := time.Duration(l.IntN(800)) * time.Millisecond
		if l.IntN(8) == 0 {
			pause += time.Duration(l.IntN(2000)) * time.Millisecond
		}
		timer := time.NewTimer(pause)
		select {
		case <-gone:
			timer.Stop()
			return killed, asked
		case <-ended:
			timer.Stop()
			ended, asked = nil, true
			send(syscall.SIGTERM)
			send(syscall.SIGCONT)
			continue
		case <-timer.C:
		}
		switch {
		case asked || killed:
			send(syscall.SIGCONT)
		case l.IntN(30) == 0:
			killed = true
			r.kills.Add(1)
			send(syscall.SIGKILL)
		case n%2 == 0:
			r.stops.Add(1)
			send(syscall.SIGSTOP)
		default:
			send(syscall.SIGCONT)
		}
	}
}

// conclude looks at every job once more, now that nobody writes.
func (r *Trial) conclude(t *testing.T) {
	t.Helper()
	var entries int
	for n := 0; !t.Failed(); n++ {
		last, loaded, err := Look(t.Context(), r.Bucket, jobOf(n))
		if err != nil {
			t.Error(err)
		}
		if last < 0 {
			break
		}
		entries += last + 1
		r.loaded.Add(int64(loaded))
	}
	pruned := 0
	for info, err := range r.Bucket.List(t.Context(), job.JobsPrefix, "") {
		if err != nil {
			t.Error(err)
			break
		}
		if strings.Contains(info.Key, "/pruned/") {
			pruned++
		}
	}
	t.Logf("%d processes, %d stops, %d kills: %d entries, %d checkpoints pruned, kept ones loaded %d times", r.Processes, r.stops.Load(), r.kills.Load(), entries, pruned, r.loaded.Load())
	if !t.Failed() && (r.stops.Load() == 0 || r.loaded.Load() == 0 || pruned == 0) {
		t.Error("it was too quiet")
	}
}
