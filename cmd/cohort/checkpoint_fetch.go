package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

type checkpointFetchCommand struct {
	jobFlags
	Checkpoint string `arg:"" optional:"" name:"checkpoint" help:"Step of the checkpoint, or at least the first 12 digits of its id. Default: the newest good one."`
	Out        string `short:"o" required:"" placeholder:"FILE" complete:"file" help:"File to make."`
	Force      bool   `help:"Replace the file if it is there."`
	Output     string `default:"table" enum:"table,json" placeholder:"FORMAT" help:"Form of what is printed: ${enum} (${default})."`
	storeFlags
}

// fetched is what was written.
type fetched struct {
	Job        job.ID      `json:"job"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Step       int         `json:"step"`
	File       string      `json:"file"`
	Bytes      int64       `json:"bytes"`
}

// Run writes the weights of a checkpoint: whole, or not at all.
func (c *checkpointFetchCommand) Run(ctx context.Context, s *streams) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.Out); !c.Force && !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return usage(fmt.Errorf("-o: %w", err))
		}
		return usage(fmt.Errorf("%s is there already: name another file with -o, or replace it with --force", c.Out))
	}
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	found, err := choose(ctx, store, id, c.Checkpoint)
	if err != nil {
		return c.explain(err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(c.Out), ".cohort-*.safetensors")
	if err != nil {
		return usage(fmt.Errorf("-o: %w", err))
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // It is gone once it was renamed.
	m, err := checkpoint.Export(ctx, store, id, found.where(), temporary)
	if err == nil {
		err = temporary.Chmod(0o644)
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return c.explain(err)
	}
	if err := os.Rename(temporary.Name(), c.Out); err != nil {
		return err
	}
	info, err := os.Stat(c.Out)
	if err != nil {
		return err
	}
	f := fetched{id, found.point.ID, m.Step, c.Out, info.Size()}
	if c.Output == "json" {
		return printJSON(s.out, f)
	}
	_, err = fmt.Fprintf(s.out, "Checkpoint %s of step %d of job %s.\nWrote %s (%d bytes).\n", f.Checkpoint, f.Step, f.Job, f.File, f.Bytes)
	return err
}
