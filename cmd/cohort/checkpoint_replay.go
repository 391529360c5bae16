package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
)

type checkpointReplayCommand struct {
	jobFlags
	Step string `arg:"" optional:"" name:"checkpoint" help:"Step to compute, or at least the first 12 digits of its checkpoint. Default: the newest good one."`
	All  bool   `help:"Compute every step of the job."`
	outputFlag
	storeFlags
}

// Help says what a replay proves.
func (checkpointReplayCommand) Help() string {
	return "Computes a step again from the checkpoint before it, its batch and the records of its collection, and compares the ids: equal ids prove that the checkpoint came from those traces. " +
		"It refuses what was computed with other numerics than this program's."
}

// replayed is what came of a step.
type replayed struct {
	Step       int         `json:"step"`
	Entry      int         `json:"entry"`
	Checkpoint blob.Digest `json:"checkpoint,omitempty"`
	Computed   blob.Digest `json:"computed,omitempty"`
	Match      bool        `json:"match"`
	// Note says what stood in for something that cannot be read, and Problem why
	// the step could not be computed.
	Note    string `json:"note,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// Run computes steps again.
func (c *checkpointReplayCommand) Run(ctx context.Context, s *streams) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if c.All && c.Step != "" {
		return usage(fmt.Errorf("--all computes every step: leave out %s, or --all", c.Step))
	}
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	j, err := scrub.One(ctx, store, id, scrub.Checkpoints)
	if err != nil {
		return c.explain(err)
	}
	points := j.Checkpoints
	if !c.All {
		point, err := pick(j, c.Step)
		if err != nil {
			return c.explain(err)
		}
		points = []scrub.Checkpoint{point}
	}
	def, _, err := records.Read[job.Definition](ctx, store, id.SpecKey(), job.DefinitionFormat)
	if err != nil {
		return c.explain(fmt.Errorf("without the job's definition nothing can be computed: %w", err))
	}
	if len(points) == 0 {
		return fmt.Errorf("job %s has no checkpoint yet", id)
	}
	var all []replayed
	var before *learner.Learner
	for _, p := range points {
		if p.Kind == job.KindBegin || p.Kind == job.KindCommit || p.ID == "" {
			var r replayed
			r, before, err = c.compute(ctx, store, def, p, before)
			if err != nil {
				return c.explain(err)
			}
			all = append(all, r)
			if c.Output != "json" {
				printReplayed(s, r)
			}
		}
	}
	return c.conclude(s, all)
}

// compute computes a checkpoint again. before is the learner that the step
// before came out with, nil unless that had the right id: it stands in for a
// parent that cannot be read. An error is one of the store.
func (c *checkpointReplayCommand) compute(ctx context.Context, store blob.Bucket, def *job.Definition, p scrub.Checkpoint, before *learner.Learner) (replayed, *learner.Learner, error) {
	r := replayed{Step: p.Step, Entry: p.Entry, Checkpoint: p.ID}
	e, err := checkpoint.ReadEntry(ctx, store, def.ID, p.Entry)
	var parent *job.Entry
	if err == nil && p.Entry > 0 {
		parent, err = checkpoint.ReadEntry(ctx, store, def.ID, p.Entry-1)
	}
	var step *replay.Step
	if err == nil {
		step, err = replay.Entry(ctx, store, def, parent, e)
		if before != nil && parent != nil && (errors.Is(err, blob.ErrCorrupt) || errors.Is(err, blob.ErrNotFound)) {
			r.Note = "went on from what was computed of the step before: " + err.Error()
			step, err = replay.Next(ctx, store, def, before, parent, e)
		}
	}
	if errors.Is(err, blob.ErrUnavailable) || errors.Is(err, blob.ErrDenied) || ctx.Err() != nil {
		return r, nil, err
	}
	if err != nil {
		r.Problem = err.Error()
		return r, nil, nil //nolint:nilerr // it is what came of the step
	}
	r.Computed, r.Match = step.Image.ID, step.Image.ID == p.ID
	if step.FromLedger != nil {
		r.Note = "the fates are those of the ledger: " + step.FromLedger.Error()
	}
	if !r.Match {
		return r, nil, nil
	}
	return r, step.Learner, nil
}

func printReplayed(s *streams, r replayed) {
	switch {
	case r.Match:
		fmt.Fprintf(s.out, "Step %d: %s matches.\n", r.Step, r.Checkpoint)
	case r.Problem != "" && r.Checkpoint == "":
		fmt.Fprintf(s.out, "Entry %d: CANNOT BE COMPUTED: %s.\n", r.Entry, r.Problem)
	case r.Problem != "":
		fmt.Fprintf(s.out, "Step %d: %s CANNOT BE COMPUTED: %s.\n", r.Step, r.Checkpoint, r.Problem)
	default:
		fmt.Fprintf(s.out, "Step %d: %s DIFFERS: computed again it is %s.\n", r.Step, r.Checkpoint, r.Computed)
	}
	if r.Note != "" {
		fmt.Fprintf(s.out, "    %s\n", r.Note)
	}
}

// conclude prints what came of all steps, and fails unless all ids match.
func (c *checkpointReplayCommand) conclude(s *streams, all []replayed) error {
	matches := 0
	for _, r := range all {
		if r.Match {
			matches++
		}
	}
	if c.Output == "json" {
		if err := printJSON(s.out, struct {
			Match bool       `json:"match"`
			Steps []replayed `json:"steps"`
		}{matches == len(all), all}); err != nil {
			return err
		}
	}
	if matches < len(all) {
		return fmt.Errorf("%d of %d checkpoints did not come out with their ids: `cohort checkpoint verify %s --deep` says what is corrupt", len(all)-matches, len(all), c.Job)
	}
	if c.Output != "json" {
		if c.All {
			fmt.Fprintf(s.out, "All %d ids match.\n", matches)
		}
	}
	return nil
}
