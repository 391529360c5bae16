package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/numerics"
)

// run is the whole: undisturbed runs first, then those under faults.
func (o options) run(ctx context.Context) (err error) {
	if err := os.RemoveAll(o.dir); err != nil {
		return err
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
		return err
	}
	s, err := startServices(ctx, o.services, filepath.Join(dir, "services"))
	defer func() { err = errors.Join(err, s.stop(ctx)) }()
	if err != nil {
		return err
	}
	r := newReport(o.each)
	c := newCast(o.bin, filepath.Join(dir, "logs"), s, r)
	defer func() { err = errors.Join(err, c.stop(err != nil)) }()
	if err := c.start(o.coordinators, o.workers); err != nil {
		return err
	}
	jobs, err := newJobs(ctx, s, c)
	if err != nil {
		return err
	}
	fmt.Println("Undisturbed runs, which say what must come out:")
	if err := jobs.references(ctx); err != nil {
		return err
	}
	if o.soak > 0 {
		return o.soakAll(ctx, s, c, jobs)
	}
	began := r.begin()
	fmt.Printf("Faults, until %d processes were killed:\n", o.kills)
	err = o.disturb(ctx, s, c, jobs, r)
	r.took = time.Since(began)
	return errors.Join(err, r.print(os.Stdout, jobs))
}

// disturb keeps jobs running and brings faults upon what they run on, until
// enough were killed; then the last jobs come to their end in peace.
func (o options) disturb(ctx context.Context, s *services, c *cast, jobs *jobs, r *report) error {
	g, gctx := errgroup.WithContext(ctx)
	enough := make(chan struct{})
	for lane := range o.jobs {
		g.Go(func() error { return jobs.runUntil(gctx, lane, enough) })
	}
	g.Go(func() error {
		defer close(enough)
		f := &faults{
			services: s, cast: c, report: r, kills: o.kills,
			luck: numerics.NewStream(o.seed, 1),
		}
		return f.run(gctx)
	})
	return g.Wait()
}
