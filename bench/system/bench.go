package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cohort-rl/cohort/bench/stage"
)

const (
	// shards is how many shards a worker has in hand.
	shards = 8
	// waiting is how many rollouts that wait a worker has in flight.
	waiting = 16
)

// bench runs the cases on the services, one after the other.
func (o options) bench(ctx context.Context) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range []string{"coordinator", "worker"} {
		if _, err := os.Stat(filepath.Join(o.bin, name)); err != nil {
			return fmt.Errorf("-bin %s: %w; make build builds it", o.bin, err)
		}
	}
	dir, err := os.MkdirTemp("", "cohort-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	load, _ := os.ReadFile("/proc/loadavg") // Elsewhere it is not known.
	fmt.Printf("%d processors, load %s\n", runtime.NumCPU(), strings.TrimSpace(string(load)))
	if strings.Contains(o.services, "embedded") {
		s, err := stage.Embedded(ctx, self, dir)
		if err != nil {
			return err
		}
		err = o.on(ctx, s, self, dir)
		if err = errors.Join(err, s.Stop()); err != nil {
			return err
		}
	}
	if s := stage.Real(os.Getenv); s != nil && strings.Contains(o.services, "real") {
		return o.on(ctx, s, self, dir)
	}
	return nil
}

// on runs the cases on some services.
func (o options) on(ctx context.Context, s *stage.Services, self, dir string) error {
	b := &bed{options: o, services: s, self: self, dir: dir, run: "bench-" + rand.Text()[:12]}
	for _, rollouts := range o.rollouts {
		for _, run := range []struct {
			name string
			run  func(context.Context, int) error
		}{{"noop", b.noop}, {"latency", b.latent}, {"overhead", b.overhead}} {
			if !strings.Contains(o.cases, run.name) {
				continue
			}
			if err := run.run(ctx, rollouts); err != nil {
				return fmt.Errorf("%s, %s, %d rollouts: %w", s.Name, run.name, rollouts, err)
			}
		}
	}
	return nil
}

// bed is where cases run.
type bed struct {
	options
	services  *stage.Services
	self, dir string
	run       string // names this run's folders
	cases     int
}

// folder is the name of the next case's store.
func (b *bed) folder() string {
	b.cases++
	return fmt.Sprintf("%s/%d", b.run, b.cases)
}
