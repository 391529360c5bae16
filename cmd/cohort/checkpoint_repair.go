package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/overlay"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/submission"
)

type checkpointRepairCommand struct {
	jobFlags
	DryRun          bool `help:"Change nothing: say what would be done."`
	ForgetLastEntry bool `help:"Take an unreadable last entry out of the log, so that the job can go on from the one before. It stays in quarantine."`
	outputFlag
	storeFlags
}

// Help says what is put back and what is not.
func (checkpointRepairCommand) Help() string {
	return "Weights, optimizer states and manifests are made again by replaying steps from the nearest checkpoint that is whole, or from the seed; plans, ledgers and results of evaluations from records. " +
		"What is put back are the very bytes that were there; what was in their place is kept in quarantine. An entry inside the log is restated from what surrounds it. Corrupt leftovers of work that is done are taken away. " +
		"It fails if something stays lost, and says what depends on it."
}

// Run repairs the job.
func (c *checkpointRepairCommand) Run(ctx context.Context, s *streams) error {
	id, store, err := openJob(ctx, c.jobFlags, c.storeFlags)
	if err != nil {
		return err
	}
	if c.DryRun {
		store = overlay.New(store, mem.New())
	}
	def, _, err := records.Read[job.Definition](ctx, store, id.SpecKey(), job.DefinitionFormat)
	if errors.Is(err, blob.ErrNotFound) {
		err = errors.Join(err, scrub.ErrNoJob)
	}
	if errors.Is(err, blob.ErrCorrupt) {
		return fmt.Errorf("%w: it cannot be computed, and without it nothing of the job can: put back the bytes that were there", err)
	}
	if err != nil {
		return c.explain(err)
	}
	r := repair.Job{Store: store, Def: def, Tell: func(repair.Finding) {}}
	// Without the deployment's id only the name of a topic is not known.
	if d, _, err := records.Read[deployment.Deployment](ctx, store, job.DeploymentKey, deployment.Format); err == nil {
		r.TopicPrefix = d.TopicPrefix()
	}
	if c.ForgetLastEntry {
		err := r.ForgetLastEntry(ctx)
		if err == nil { // if that was the job's end, nobody looks after the job any more
			err = submission.Activate(ctx, store, def)
		}
		if err != nil {
			return c.explain(err)
		}
	}
	report, err := r.All(ctx)
	if err != nil {
		return c.explain(err)
	}
	if c.Output == "json" {
		err = printJSON(s.out, report)
	} else {
		_, err = io.WriteString(s.out, c.describe(report))
	}
	if err != nil {
		return err
	}
	if !report.Whole() {
		return fmt.Errorf("job %s is not whole", id)
	}
	return nil
}

// describe is a report for people.
func (c *checkpointRepairCommand) describe(r *repair.Report) string {
	var text strings.Builder
	verb := "Put back"
	if c.DryRun {
		verb = "Would put back"
	}
	for _, f := range r.Restored {
		fmt.Fprintf(&text, "%s %s: %s.\n", verb, f.Key, f.Done)
		if f.Quarantined != "" {
			fmt.Fprintf(&text, "  What was there is kept as %s.\n", f.Quarantined)
		}
	}
	for _, l := range r.Lost {
		fmt.Fprintf(&text, "LOST %s: %s.\n  It holds, or is needed for: %s.\n", l.Key, l.Why, l.Needed)
	}
	switch {
	case r.Checkpoint == "":
		fmt.Fprintf(&text, "No checkpoint of job %s is whole.\n", r.Job)
	case r.Back == "":
		fmt.Fprintf(&text, "The newest checkpoint, %s of step %d, is whole.\n", r.Checkpoint, r.Step)
	case r.Ended:
		fmt.Fprintf(&text, "The newest whole checkpoint is %s of step %d. The job has ended, so nothing goes on from it but another job's start.checkpoint.\n", r.Checkpoint, r.Step)
	default:
		fmt.Fprintf(&text, "The newest whole checkpoint is %s of step %d. The job goes back to it when a coordinator drives it again: %s.\n", r.Checkpoint, r.Step, r.Back)
	}
	return text.String()
}
