// Command loss measures the loss with its gradient, and an update of the
// countdown job, against TRL and PyTorch, each on one thread and in turns:
//
//	go run ./bench/loss
//
// The fastest call of each side counts, so that what else runs on the machine
// matters little.
//
// It installs PyTorch and TRL from PyPI once, into a folder of the cache. Where
// pip cannot install them it says so and measures Cohort alone.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	rounds int
	turn   time.Duration
	cache  string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 7, "turns of each side; the fastest call of all counts")
	flag.DurationVar(&o.turn, "turn", 400*time.Millisecond, "time of a turn")
	flag.StringVar(&o.cache, "cache", ".cache", "`folder` that keeps the Python environment")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "loss:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, w io.Writer) (err error) {
	if o.rounds < 1 || o.turn <= 0 {
		return fmt.Errorf("-rounds %d, -turn %s: both must be positive", o.rounds, o.turn)
	}
	runtime.GOMAXPROCS(1)
	dir, err := os.MkdirTemp("", "cohort-loss-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	theirs, err := startPython(ctx, o.cache, dir, os.Stderr)
	if err != nil {
		fmt.Fprintf(w, "PyTorch and TRL are not measured: %v\n\n", err)
	} else {
		defer func() {
			if stopErr := theirs.stop(); err == nil {
				err = stopErr
			}
		}()
	}
	fmt.Fprintf(w, "One thread, fastest call in %d turns of %s. Load before: %s. %s\n\n", o.rounds, o.turn, load(), theirs.versions())
	b := bench{options: o, dir: dir, python: theirs}
	if err := b.losses(w); err != nil {
		return err
	}
	if err := b.updates(ctx, w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nLoad after: %s\n", load())
	return nil
}

// load is the machine's load, where the system tells it.
func load() string {
	body, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(body))[:3], " ")
}

// bench measures.
type bench struct {
	options

	dir    string
	python *python // nil where there is none
}

// inTurns measures call and the case of the Python side in turns, and returns
// the seconds of the fastest call of each; theirs is 0 without Python.
func (b *bench) inTurns(kind, folder string, call func() error) (ours, theirs float64, err error) {
	ours, theirs = math.Inf(1), math.Inf(1)
	for range b.rounds {
		seconds, err := b.turnOf(call)
		if err != nil {
			return 0, 0, err
		}
		ours = min(ours, seconds)
		if b.python == nil {
			theirs = 0
			continue
		}
		if seconds, err = b.python.measure(kind, folder, b.turn); err != nil {
			return 0, 0, err
		}
		theirs = min(theirs, seconds)
	}
	return ours, theirs, nil
}

// turnOf calls for the time of a turn and returns the seconds of the fastest call.
func (b *bench) turnOf(call func() error) (float64, error) {
	fastest := math.Inf(1)
	began := time.Now()
	for at := began; at.Sub(began) < b.turn; {
		if err := call(); err != nil {
			return 0, err
		}
		now := time.Now()
		fastest, at = min(fastest, now.Sub(at).Seconds()), now
	}
	return fastest, nil
}
