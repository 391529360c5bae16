package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/retry"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/offline"
	"github.com/cohort-rl/cohort/results"
)

type resultsCommand struct {
	jobFlags
	Out     string `short:"o" required:"" placeholder:"DIR" complete:"dir" help:"Folder to make."`
	Store   string `required:"" env:"COHORT_STORE" placeholder:"URL" help:"Object store of the job: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	Step    *int   `placeholder:"N" help:"Fetch the checkpoint of step N instead of the newest."`
	Batches bool   `help:"Fetch the samples of every step too."`
	Force   bool   `help:"Replace earlier results in the folder; other files in it stay."`

	services.StoreAccess `embed:""`
	contextFlag
}

// Run fetches the results and says what was written.
func (c *resultsCommand) Run(ctx context.Context, s *streams) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	r := results.Request{Job: id, Dir: c.Out, Step: results.Newest, Batches: c.Batches, Force: c.Force}
	if c.Step != nil {
		if r.Step = *c.Step; r.Step < 0 {
			return usage(fmt.Errorf("--step is %d: steps count from 0", r.Step))
		}
	}
	store, err := openStore(ctx, c.Store, c.StoreAccess)
	if err != nil {
		return err
	}
	report, err := results.Fetch(ctx, store, r)
	if err != nil {
		return c.explain(id, err)
	}
	_, err = io.WriteString(s.out, c.summary(id, report))
	return err
}

// openStore opens a store for reading, waiting out short weather alone.
func openStore(ctx context.Context, address string, access services.StoreAccess) (blob.Bucket, error) {
	credentials, err := access.Credentials()
	if err != nil {
		return nil, usage(err)
	}
	b, err := open.Open(ctx, address, open.Options{Credentials: credentials})
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, blob.ErrDenied) {
			return nil, err
		}
		return nil, usage(err)
	}
	policy := retry.Policy{Attempts: 4, First: 200 * time.Millisecond, Longest: time.Second, Budget: 10 * time.Second}
	return retry.New(b, policy, time.Now, rand.Float64), nil //nolint:gosec // pauses need no secret
}

// explain adds the remedy to an error.
func (c *resultsCommand) explain(id job.ID, err error) error {
	switch {
	case errors.Is(err, results.ErrUnknownJob):
		return fmt.Errorf("there is no job %s in the store: `cohort jobs` lists those there are, and --store names the store of their coordinator", id)
	case errors.Is(err, results.ErrNotBegun):
		return fmt.Errorf("%w: `cohort status %s` shows what it waits for", err, id)
	case errors.Is(err, results.ErrNoStep):
		return fmt.Errorf("%w: give one of these with --step", err)
	case errors.Is(err, results.ErrNotEmpty):
		return usage(fmt.Errorf("%w: name another with -o, or replace earlier results with --force", err))
	case errors.Is(err, blob.ErrUnavailable), errors.Is(err, blob.ErrDenied):
		return fmt.Errorf("--store: %w", err)
	}
	return err
}

// summary says what was written.
func (c *resultsCommand) summary(id job.ID, r results.Report) string {
	var text strings.Builder
	state := "still running"
	if r.End != nil {
		state = string(r.End.Verdict)
	}
	fmt.Fprintf(&text, "Job %s, %s after %d steps.\n", id, state, r.Steps)
	if r.Checkpoint == "" {
		fmt.Fprintln(&text, "It ended before it had a checkpoint, so there is no policy.")
	} else {
		fmt.Fprintf(&text, "Checkpoint %s of step %d.\n", r.Checkpoint, r.Step)
	}
	fmt.Fprintf(&text, "Rollouts: %d planned = %d used + %d dropped + %d failed.\n", r.Totals.Planned, r.Totals.Used, r.Totals.Dropped, r.Totals.Failed)
	if e := r.Estimate; e != nil {
		line := func(name string, i offline.Interval) {
			fmt.Fprintf(&text, "  %-34s %8.4f (95 %%: %.4f to %.4f)\n", name, i.Mean, i.Low, i.High)
		}
		fmt.Fprintf(&text, "Held out: %d threads of %d tasks; mean reward by inverse propensity, %.1f effective threads:\n", e.Threads, e.Tasks, e.Effective)
		line("logging policy, as it was", e.Logged)
		line("trained policy", e.Trained)
		line("trained policy, weights normalised", e.Normalised)
		line("gain", e.Gain)
	}
	fmt.Fprintf(&text, "Wrote to %s:\n", c.Out)
	for _, f := range r.Files {
		fmt.Fprintf(&text, "  %s (%d bytes)\n", f.Name, f.Size)
	}
	return text.String()
}
