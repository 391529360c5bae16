package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/overlay"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/retention"
)

type checkpointPinCommand struct {
	jobFlags
	Checkpoint string `arg:"" name:"checkpoint" help:"Step of the checkpoint, or at least the first 12 digits of its id."`
	outputFlag
	storeFlags
}

// pinned is what became of a checkpoint.
type pinned struct {
	Job        job.ID      `json:"job"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Pinned     bool        `json:"pinned"`
}

func (p pinned) print(out io.Writer, f outputFlag) error {
	if f.Output == "json" {
		return printJSON(out, p)
	}
	text := "Checkpoint %s may be pruned.\n"
	if p.Pinned {
		text = "Pinned checkpoint %s.\n"
	}
	_, err := fmt.Fprintf(out, text, p.Checkpoint)
	return err
}

// Run pins a checkpoint.
func (c *checkpointPinCommand) Run(ctx context.Context, s *streams) error {
	store, id, found, err := c.find(ctx, c.jobFlags, c.Checkpoint)
	if err != nil {
		return err
	}
	err = retention.Pin(ctx, store, id, found, time.Now())
	if errors.Is(err, retention.ErrPruned) {
		return fmt.Errorf("checkpoint %s: %w: its weights are gone, or are going", found, retention.ErrPruned)
	}
	if err != nil {
		return c.explain(err)
	}
	return pinned{id, found, true}.print(s.out, c.outputFlag)
}

type checkpointUnpinCommand struct {
	jobFlags
	Checkpoint string `arg:"" name:"checkpoint" help:"Step of the checkpoint, or at least the first 12 digits of its id."`
	outputFlag
	storeFlags
}

// Run unpins a checkpoint.
func (c *checkpointUnpinCommand) Run(ctx context.Context, s *streams) error {
	store, id, found, err := c.find(ctx, c.jobFlags, c.Checkpoint)
	if err != nil {
		return err
	}
	if err := retention.Unpin(ctx, store, id, found); err != nil {
		return c.explain(err)
	}
	return pinned{id, found, false}.print(s.out, c.outputFlag)
}

// find finds a checkpoint of a job.
func (f storeFlags) find(ctx context.Context, j jobFlags, which string) (blob.Bucket, job.ID, blob.Digest, error) {
	id, err := j.id()
	if err != nil {
		return nil, "", "", err
	}
	store, err := f.open(ctx)
	if err != nil {
		return nil, "", "", err
	}
	found, err := choose(ctx, store, id, which)
	if err != nil {
		return nil, "", "", f.explain(err)
	}
	return store, id, found.point.ID, nil
}

type checkpointPruneCommand struct {
	jobFlags
	Keep     *int `placeholder:"N" help:"How many of the newest checkpoints are kept, at least two; default: checkpoint.keep of the spec."`
	KeepBest *int `placeholder:"N" help:"How many of those with the best evaluations are kept too; default: checkpoint.keep_best of the spec."`
	Orphans  bool `help:"Delete the blobs instead that nothing refers to, of a job that has ended."`
	DryRun   bool `help:"Delete nothing: say what would go."`
	outputFlag
	storeFlags
}

// Help says what goes and what stays.
func (checkpointPruneCommand) Help() string {
	return "Weights and optimizer states go; manifests, batches, ledgers and the log stay. Kept are the newest checkpoints, the best, the pinned, and those that are still to be evaluated. It may be run while the job runs."
}

// pruned is what a run of the command came to.
type pruned struct {
	Pruned  []retention.Pruning `json:"pruned,omitempty"`
	Orphans []retention.Orphan  `json:"orphans,omitempty"`
	Bytes   int64               `json:"bytes"`
	// Replay says what can be replayed only from the job's beginning.
	Replay []int `json:"replay_from_the_beginning,omitempty"`
}

// Run prunes.
func (c *checkpointPruneCommand) Run(ctx context.Context, s *streams) error {
	id, store, err := openJob(ctx, c.jobFlags, c.storeFlags)
	if err != nil {
		return err
	}
	if c.DryRun {
		store = overlay.New(store, mem.New())
	}
	var p *pruned
	if c.Orphans {
		p, err = c.sweep(ctx, store, id)
	} else {
		p, err = c.prune(ctx, store, id)
	}
	if err != nil {
		return c.explain(err)
	}
	if c.Output == "json" {
		return printJSON(s.out, p)
	}
	_, err = io.WriteString(s.out, c.describe(p))
	return err
}

func (*checkpointPruneCommand) sweep(ctx context.Context, store blob.Bucket, id job.ID) (*pruned, error) {
	orphans, err := retention.Orphans(ctx, store, id)
	if err != nil {
		return nil, err
	}
	p := &pruned{Orphans: orphans}
	for _, o := range orphans {
		p.Bytes += o.Bytes
	}
	return p, retention.Sweep(ctx, store, orphans)
}

func (c *checkpointPruneCommand) prune(ctx context.Context, store blob.Bucket, id job.ID) (*pruned, error) {
	policy, err := c.policy(ctx, store, id)
	if err != nil {
		return nil, err
	}
	last, err := checkpoint.LastEntry(ctx, store, id, -1)
	if err != nil {
		return nil, err
	}
	line, err := repair.ReadLine(ctx, store, id, last)
	if err == nil {
		err = line.Cut
	}
	if err != nil {
		return nil, err
	}
	before, err := retention.Pruned(ctx, store, id)
	if err != nil {
		return nil, err
	}
	p := &pruned{}
	if p.Pruned, err = retention.Prune(ctx, store, id, line.Entries, policy, map[blob.Digest]bool{}, time.Now()); err != nil {
		return nil, err
	}
	// What was pruned before goes once more, in case that was cut short.
	p.Pruned = slices.DeleteFunc(p.Pruned, func(q retention.Pruning) bool { return before[q.ID] })
	for _, q := range p.Pruned {
		p.Bytes += q.Bytes
		p.Replay = append(p.Replay, q.Step+1)
	}
	return p, nil
}

// policy is the spec's, changed by the flags.
func (c *checkpointPruneCommand) policy(ctx context.Context, store blob.Bucket, id job.ID) (retention.Policy, error) {
	def, _, err := records.Read[job.Definition](ctx, store, id.SpecKey(), job.DefinitionFormat)
	if err != nil {
		return retention.Policy{}, err
	}
	p := retention.Policy{Keep: def.Spec.Checkpoint.Keep, Staleness: def.Spec.GRPO.Staleness, Best: def.Spec.Checkpoint.KeepBest, Means: map[blob.Digest]float64{}}
	if c.Keep != nil {
		p.Keep = *c.Keep
	}
	if c.KeepBest != nil {
		p.Best = *c.KeepBest
	}
	switch {
	case p.Keep < 0 || p.Best < 0:
		return p, usage(fmt.Errorf("--keep %d, --keep-best %d: neither can be negative", p.Keep, p.Best))
	case p.Keep == 0:
		return p, usage(errors.New("the spec keeps all checkpoints (checkpoint.keep is 0): say with --keep how many stay"))
	}
	results, err := repair.Results(ctx, store, id)
	if err != nil {
		return p, err
	}
	for _, r := range results {
		if r.Broken == nil && r.Evaluation.Incomplete == "" {
			p.Means[r.Manifest] = r.Evaluation.Mean
		}
	}
	p.Pinned, err = retention.Pinned(ctx, store, id)
	return p, err
}

// describe says what went.
func (c *checkpointPruneCommand) describe(p *pruned) string {
	var text strings.Builder
	verb := "Pruned"
	if c.DryRun {
		verb = "Would prune"
	}
	for _, q := range p.Pruned {
		fmt.Fprintf(&text, "%s the weights of checkpoint %s of step %d: %s, %s.\n", verb, q.ID, q.Step, objects(len(q.Keys)), size(q.Bytes))
	}
	for _, o := range p.Orphans {
		fmt.Fprintf(&text, "%s %s (%s), to which nothing refers.\n", verb, o.Key, size(o.Bytes))
	}
	if len(p.Pruned)+len(p.Orphans) == 0 {
		return "There is nothing to prune.\n"
	}
	fmt.Fprintf(&text, "In all %s.\n", size(p.Bytes))
	if len(p.Replay) > 0 {
		steps := "Steps"
		if len(p.Replay) == 1 {
			steps = "Step"
		}
		fmt.Fprintf(&text, "%s %s can be replayed only from the beginning of the job: cohort checkpoint replay %s --all.\n", steps, list(p.Replay), c.Job)
	}
	return text.String()
}

// list is some numbers with commas.
func list(numbers []int) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	return strings.Join(words, ", ")
}
