package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/checkpoint/scrub"
)

type checkpointListCommand struct {
	jobFlags
	Deep bool `help:"Read every byte, and not only sizes."`
	outputFlag
	storeFlags
}

// Run lists the checkpoints of a job.
func (c *checkpointListCommand) Run(ctx context.Context, s *streams) error {
	id, store, err := openJob(ctx, c.jobFlags, c.storeFlags)
	if err != nil {
		return err
	}
	depth := scrub.Checkpoints
	if c.Deep {
		depth = scrub.Deep
	}
	j, err := scrub.One(ctx, store, id, depth)
	if err != nil {
		return c.explain(err)
	}
	if c.Output == "json" {
		return printJSON(s.out, struct {
			Checkpoints []scrub.Checkpoint `json:"checkpoints"`
		}{j.Checkpoints})
	}
	if len(j.Checkpoints) == 0 {
		_, err := fmt.Fprintln(s.out, "The job has no checkpoint yet.")
		return err
	}
	var text strings.Builder
	fmt.Fprintln(&text, "ENTRY\tSTEP\tCHECKPOINT\tSTATE\tREWARD\tUSED\tSIZE")
	for _, p := range j.Checkpoints {
		if p.ID == "" {
			fmt.Fprintf(&text, "%d\t\t\tbad\t\t\t\n", p.Entry)
			continue
		}
		state := "good"
		switch {
		case p.Pruned && !p.Good:
			state = "pruned"
		case !p.Good:
			state = "bad"
		}
		used := ""
		if p.Totals.Planned > 0 {
			used = fmt.Sprintf("%d/%d", p.Totals.Used, p.Totals.Planned)
		}
		fmt.Fprintf(&text, "%d\t%d\t%.12s\t%s\t%s\t%s\t%s\n", p.Entry, p.Step, p.ID, state, number(p.Reward), used, size(p.Bytes))
	}
	if err := printTable(s.out, text.String()); err != nil {
		return err
	}
	return listProblems(s, j)
}

// listProblems says below the table what is wrong with the bad ones.
func listProblems(s *streams, j scrub.Job) error {
	for _, p := range j.Checkpoints {
		for _, problem := range p.Problems {
			if p.Pruned && strings.HasPrefix(problem, "pruned:") {
				continue // the table says it
			}
			if _, err := fmt.Fprintf(s.out, "BAD: entry %d: %s\n", p.Entry, problem); err != nil {
				return err
			}
		}
	}
	return nil
}
