package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// checkpointCommand lists the commands about checkpoints.
type checkpointCommand struct {
	List    checkpointListCommand    `cmd:"" help:"List the checkpoints of a job, the good and the bad."`
	Show    checkpointShowCommand    `cmd:"" help:"Show a checkpoint."`
	Lineage checkpointLineageCommand `cmd:"" help:"Walk back from a checkpoint to what it learnt from."`
	Verify  checkpointVerifyCommand  `cmd:"" help:"Look for corrupt and missing objects."`
	Replay  checkpointReplayCommand  `cmd:"" help:"Compute steps again and compare the ids."`
	Diff    checkpointDiffCommand    `cmd:"" help:"Compare two checkpoints."`
	Fetch   checkpointFetchCommand   `cmd:"" help:"Write the weights of a checkpoint to a safetensors file."`
	Repair  checkpointRepairCommand  `cmd:"" help:"Make again what is corrupt or missing of a job."`
	Pin     checkpointPinCommand     `cmd:"" help:"Keep a checkpoint whatever its age."`
	Unpin   checkpointUnpinCommand   `cmd:"" help:"Let a checkpoint be pruned again."`
	Prune   checkpointPruneCommand   `cmd:"" help:"Delete the weights of old checkpoints, and what nothing refers to."`
}

// Help says what the commands need.
func (checkpointCommand) Help() string {
	return "These commands need the object store alone. All but repair, pin, unpin and prune change nothing in it. They work beside any number of corrupt objects. docs/operations.md says how to use them."
}

// storeFlags say which store is looked at.
type storeFlags struct {
	Store string `required:"" env:"COHORT_STORE" placeholder:"URL" help:"Object store: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`

	services.StoreAccess `embed:""`
	contextFlag
}

func (f storeFlags) open(ctx context.Context) (blob.Bucket, error) {
	return openStore(ctx, f.Store, f.StoreAccess)
}

// openJob opens the store of a job that is named as a user does.
func openJob(ctx context.Context, j jobFlags, f storeFlags) (id job.ID, store blob.Bucket, err error) {
	if id, err = j.id(); err == nil {
		store, err = f.open(ctx)
	}
	return id, store, err
}

// explain adds the remedy to an error.
func (f storeFlags) explain(err error) error {
	switch {
	case errors.Is(err, scrub.ErrNoJob):
		return fmt.Errorf("%w: `cohort jobs` lists those there are, and --store names the store of their coordinator", err)
	case errors.Is(err, checkpoint.ErrNoCheckpoint):
		return fmt.Errorf("%w: `cohort checkpoint list JOB` lists those of a job", err)
	case errors.Is(err, blob.ErrUnavailable), errors.Is(err, blob.ErrDenied):
		return fmt.Errorf("--store: %w", err)
	}
	return err
}

// outputFlag says how something is printed.
type outputFlag struct {
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORMAT" help:"Form of what is printed: ${enum} (${default})."`
}

// pick finds a checkpoint of a job by its step or by the first digits of its
// id; without either it is the newest good one. Of several of one step it is
// the newest.
func pick(j scrub.Job, which string) (scrub.Checkpoint, error) {
	if which == "" {
		if j.Resume == nil {
			return scrub.Checkpoint{}, fmt.Errorf("job %s: no good one: %w", j.Job, checkpoint.ErrNoCheckpoint)
		}
		return *j.Resume, nil
	}
	step, isStep := stepOf(which)
	if !isStep && !isDigits(which) {
		return scrub.Checkpoint{}, usage(fmt.Errorf("%q is no checkpoint: give a step, or at least the first 12 of the 64 hexadecimal digits of its id", which))
	}
	var found *scrub.Checkpoint
	for i := range j.Checkpoints {
		c := &j.Checkpoints[i]
		if isStep && c.ID != "" && c.Step == step || !isStep && strings.HasPrefix(string(c.ID), which) {
			if !isStep && found != nil && found.ID != c.ID {
				return scrub.Checkpoint{}, usage(fmt.Errorf("both %s and %s begin with %s: give more digits", found.ID, c.ID, which))
			}
			found = c
		}
	}
	if found == nil {
		return scrub.Checkpoint{}, fmt.Errorf("job %s, %s: %w", j.Job, which, checkpoint.ErrNoCheckpoint)
	}
	return *found, nil
}

// stepOf reads a step. Twelve digits and more are an id.
func stepOf(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0 && len(text) < 12
}

func isDigits(text string) bool { return regexp.MustCompile(`^[0-9a-f]{12,64}$`).MatchString(text) }

// chosen is a checkpoint with the log entry and the job that it is of.
type chosen struct {
	point scrub.Checkpoint
	entry *job.Entry
	def   *job.Definition // nil if it cannot be read
}

// where says where the blobs of the checkpoint lie.
func (c chosen) where() job.Checkpoint {
	at, _ := c.entry.NewCheckpoint()
	return at
}

// choose finds a checkpoint of a job and reads its entry.
func choose(ctx context.Context, store blob.Bucket, id job.ID, which string) (chosen, error) {
	j, err := scrub.One(ctx, store, id, scrub.Checkpoints)
	if err != nil {
		return chosen{}, err
	}
	point, err := pick(j, which)
	if err != nil {
		return chosen{}, err
	}
	c := chosen{point: point}
	if c.entry, err = checkpoint.ReadEntry(ctx, store, id, point.Entry); err != nil {
		return chosen{}, err
	}
	c.def, _, err = records.Read[job.Definition](ctx, store, id.SpecKey(), job.DefinitionFormat)
	if err != nil && !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) {
		return chosen{}, err
	}
	return c, nil
}

// objects is a number of objects for people.
func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}

// size is a number of bytes for people.
func size(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for ; value >= unit && prefix < 4; prefix++ {
		value /= unit
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTP"[prefix])
}
