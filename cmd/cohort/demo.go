package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/demo"
	"github.com/cohort-rl/cohort/cmd/internal/watch"
	"github.com/cohort-rl/cohort/job"
)

type demoCommand struct {
	Dir     string `default:"cohort-data/demo" placeholder:"DIR" complete:"dir" help:"Folder for the store and Kafka's log. With the same folder a demo that was stopped goes on (${default})."`
	Workers int    `default:"3" placeholder:"N" help:"Workers to run (${default})."`
	Seed    uint64 `default:"1" placeholder:"N" help:"Where all randomness comes from (${default})."`
	Steps   int    `default:"50" placeholder:"N" help:"Step at which training ends (${default})."`
	HeldOut int    `default:"500" placeholder:"N" help:"Held-out tasks that an evaluation attempts, 1 to 500 (${default}). Training does not depend on it."`
	Policy  string `default:"linear" enum:"linear,mlp" placeholder:"KIND" help:"What is trained: ${enum} (${default})."`
	Start   string `placeholder:"ID" help:"Checkpoint in the same folder to continue from."`
	Output  string `short:"o" default:"text" enum:"text,json" placeholder:"FORM" help:"Form of the summary: ${enum} (${default}). JSON is one object on the last line."`
	Verbose bool   `short:"v" help:"Log what coordinator and workers do."`

	daemon.Tracing `embed:""`
}

// Validate names the first flag that is out of its bounds.
func (c *demoCommand) Validate() error {
	if c.HeldOut < 1 || c.HeldOut > 500 {
		return fmt.Errorf("--held-out %d: use 1 to 500", c.HeldOut)
	}
	if err := c.Tracing.Validate(); err != nil {
		return err
	}
	return checkWorkers(c.Workers)
}

func checkWorkers(n int) error {
	if n < 1 || n > 64 {
		return fmt.Errorf("--workers %d: use 1 to 64", n)
	}
	return nil
}

// Run trains the example agent and says what came of it.
func (c *demoCommand) Run(ctx context.Context, s *streams) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	progress := s.out
	if c.Output == "json" {
		progress = s.err
	}
	summary, err := demo.Run(ctx, demo.Config{
		Dir: c.Dir, Workers: c.Workers, Seed: c.Seed, Steps: c.Steps, HeldOut: c.HeldOut, Policy: c.Policy, Start: c.Start, Tracing: c.Tracing,
		Agent: []string{self, "example-agent", "--child"}, Version: version,
		Logger: quietLogger(s, c.Verbose), Stderr: s.err,
		Follow: func(ctx context.Context, client *api.Client, id job.ID) error {
			events := func(ctx context.Context, handle func(api.Event) error) error { return client.Watch(ctx, id, 0, handle) }
			_, err := watch.Run(ctx, progress, events, watch.Detect(progress, os.Getenv))
			return err
		},
	})
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(s.err, "Stopped. The same command goes on from the last commit:\n  %s\n", c.again())
		return errInterrupted
	case err != nil:
		return err
	}
	if c.Output == "json" {
		if err := json.NewEncoder(s.out).Encode(summary); err != nil {
			return fmt.Errorf("print the summary: %w", err)
		}
	} else {
		c.tell(s, summary)
	}
	if summary.State != api.StateDone {
		return fmt.Errorf("job %s is %s: %s: %s", summary.Job, summary.State, summary.Reason, summary.Remedy)
	}
	return nil
}

// errInterrupted says that the user ended the command.
var errInterrupted = errors.New("interrupted")

// again is the command that goes on.
func (c *demoCommand) again() string {
	command := fmt.Sprintf("%s demo --dir %s --workers %d --seed %d --steps %d --held-out %d --policy %s",
		os.Args[0], c.Dir, c.Workers, c.Seed, c.Steps, c.HeldOut, c.Policy)
	if c.Start != "" {
		command += " --start " + c.Start
	}
	if c.TracesEndpoint != "" {
		command += " --traces-endpoint " + c.TracesEndpoint
	}
	return command
}

// tell prints the summary and what to type next.
func (c *demoCommand) tell(s *streams, d demo.Summary) {
	share := func(v *float64) string {
		if v == nil {
			return "not evaluated"
		}
		return fmt.Sprintf("%.1f %%", 100**v)
	}
	r := d.Rollouts
	fmt.Fprintf(s.out, "\nHeld-out tasks solved before: %s\nHeld-out tasks solved after:  %s\n", share(d.EvalBefore), share(d.EvalAfter))
	fmt.Fprintf(s.out, "Checkpoint: %s (step %d, %.0f s)\n", d.Checkpoint, d.Steps, d.TrainSeconds)
	fmt.Fprintf(s.out, "Rollouts: %d planned = %d used + %d dropped + %d failed\n", r.Planned, r.Used, r.Dropped, r.Failed)
	fmt.Fprintf(s.out, "\nNext:\n  %s results %s --store %s -o out\n", os.Args[0], d.Job, d.Store)
	fmt.Fprintf(s.out, "  %s up --dir %s\n", os.Args[0], filepath.Clean(c.Dir))
	fmt.Fprintf(s.out, "  %s validate --show-defaults examples/countdown/job.yaml\n", os.Args[0])
}

// quietLogger logs warnings and worse, or everything.
func quietLogger(s *streams, verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))
}
