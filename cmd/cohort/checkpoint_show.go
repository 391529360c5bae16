package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/replay"
)

type checkpointShowCommand struct {
	jobFlags
	Checkpoint string `arg:"" name:"checkpoint" help:"Step of the checkpoint, or at least the first 12 digits of its id."`
	outputFlag
	storeFlags
}

// shown is what is said of a checkpoint.
type shown struct {
	scrub.Checkpoint
	Manifest *checkpoint.Manifest `json:"manifest,omitempty"`
	Folder   job.Folder           `json:"folder"`
	Weights  blob.Digest          `json:"weights"`
	At       time.Time            `json:"at"`
	Start    string               `json:"start,omitempty"`
	Batch    *job.BatchRef        `json:"batch,omitempty"`
	Ledger   *job.LedgerRef       `json:"ledger,omitempty"`
	Metrics  []job.Metric         `json:"metrics,omitempty"`
}

// Run shows a checkpoint.
func (c *checkpointShowCommand) Run(ctx context.Context, s *streams) error {
	id, store, err := openJob(ctx, c.jobFlags, c.storeFlags)
	if err != nil {
		return err
	}
	found, err := choose(ctx, store, id, c.Checkpoint)
	if err != nil {
		return c.explain(err)
	}
	at := found.where()
	v := shown{Checkpoint: found.point, Folder: at.Folder, Weights: at.Weights, At: found.entry.At}
	if b := found.entry.Begin; b != nil {
		v.Start = b.Start
	}
	if m := found.entry.Commit; m != nil {
		v.Batch, v.Ledger, v.Metrics = &m.Batch, &m.Ledger, m.Metrics
	}
	// What is wrong with the manifest is among the problems.
	if m, err := checkpoint.LoadManifest(ctx, store, id, at); err == nil {
		v.Manifest = m
	}
	if c.Output == "json" {
		return printJSON(s.out, v)
	}
	return printTable(s.out, v.describe())
}

// describe is the checkpoint as lines of name and value.
func (v shown) describe() string {
	var text strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&text, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	line("checkpoint", "%s", v.ID)
	line("job", "%s", v.Job)
	line("step", "%d", v.Step)
	line("log entry", "%d, %s, generation %d", v.Entry, v.Kind, v.Generation)
	line("committed", "%s", stamp(v.At))
	if v.Good {
		line("state", "good")
	}
	for _, p := range v.Problems {
		line("bad", "%s", p)
	}
	if v.Start != "" {
		line("started", "%s", v.Start)
	}
	line("weights", "%s", v.Weights)
	if m := v.Manifest; m != nil {
		line("parent", "%s", m.Parent)
		line("training", "%s", m.Training)
		line("numerics", "%s", m.Numerics)
		line("policy", "%s, %d features", m.Shape.Kind, m.Shape.Features)
		line("optimizer", "%s after %d updates", m.Optimizer.Kind, m.Optimizer.Updates)
		for _, part := range []struct {
			name string
			of   []checkpoint.Tensor
		}{{"weights", m.Weights}, {"reference", m.Reference}, {"optimizer", m.Optimizer.Tensors}} {
			for _, t := range part.of {
				line("tensor", "%s %s %s %v in %d chunks", part.name, t.Name, t.DType, t.Shape, len(t.Chunks))
			}
		}
	}
	if v.Batch != nil {
		line("batch", "%s in %d files", v.Batch.Digest, len(v.Batch.Parts))
		t := v.Ledger.Totals
		line("rollouts", "%d planned = %d used + %d dropped + %d failed", t.Planned, t.Used, t.Dropped, t.Failed)
	}
	for _, m := range v.Metrics {
		line("metric", "%s %.6g", m.Name, m.Value)
	}
	return text.String()
}

type checkpointLineageCommand struct {
	jobFlags
	Checkpoint string `arg:"" optional:"" name:"checkpoint" help:"Step of the checkpoint, or at least the first 12 digits of its id. Default: the newest good one."`
	outputFlag
	storeFlags
}

// Run walks back from a checkpoint.
func (c *checkpointLineageCommand) Run(ctx context.Context, s *streams) error {
	id, store, err := openJob(ctx, c.jobFlags, c.storeFlags)
	if err != nil {
		return err
	}
	found, err := choose(ctx, store, id, c.Checkpoint)
	if err != nil {
		return c.explain(err)
	}
	chain, err := replay.Lineage(ctx, store, id, found.point.Entry)
	if err != nil {
		return c.explain(err)
	}
	if c.Output == "json" {
		return printJSON(s.out, struct {
			Ancestors []replay.Ancestor `json:"ancestors"`
		}{chain})
	}
	var text strings.Builder
	fmt.Fprintln(&text, "JOB\tSTEP\tCHECKPOINT\tBATCH\tTASKS\tUSED\tDROPPED\tFAILED\tREWARD")
	for i := range chain {
		a := &chain[i]
		if a.Checkpoint == "" {
			continue
		}
		if a.Ledger == nil {
			fmt.Fprintf(&text, "%s\t%d\t%.12s\t\t\t\t\t\t\n", a.Job, a.Step, a.Checkpoint)
			continue
		}
		fmt.Fprintf(&text, "%s\t%d\t%.12s\t%.12s\t%s\t%d\t%d\t%d\t%s\n", a.Job, a.Step, a.Checkpoint, a.Batch, tasksOf(a.Tasks),
			a.Ledger.Used, a.Ledger.Dropped, a.Ledger.Failed, metric(a.Metrics, "reward"))
	}
	if err := printTable(s.out, text.String()); err != nil {
		return err
	}
	for _, a := range chain {
		if a.Start != "" {
			fmt.Fprintf(s.out, "Job %s was started: %s.\n", a.Job, a.Start)
		}
		if a.Problem != "" {
			fmt.Fprintf(s.out, "BAD: job %s, entry %d: %s\n", a.Job, a.Entry, a.Problem)
		}
	}
	return nil
}

// tasksOf names the first few tasks; JSON has them all.
func tasksOf(tasks []int) string {
	const few = 4
	var text []string
	for i, t := range tasks {
		if i == few {
			text = append(text, fmt.Sprintf("... (%d)", len(tasks)))
			break
		}
		text = append(text, fmt.Sprint(t))
	}
	return strings.Join(text, " ")
}

func metric(all []job.Metric, name string) string {
	for _, m := range all {
		if m.Name == name {
			return number(&m.Value)
		}
	}
	return ""
}
