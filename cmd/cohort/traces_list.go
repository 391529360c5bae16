package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/traces/threads"
)

type tracesListCommand struct {
	tracesFrom
	State  []string `enum:"complete,errored,open,orphaned,corrupt" placeholder:"STATE" help:"Show threads in these states: ${enum}."`
	Output string   `short:"o" default:"table" enum:"table,json,name" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what a thread is and which states there are.
func (tracesListCommand) Help() string {
	return "A thread is what an agent did for one task: its traces that name the same session, or one trace. It is complete when the root of each trace has ended and every parent is there; errored when it is whole and the agent failed; open when a root has not come or not ended; orphaned when spans are missing; corrupt when it contradicts itself."
}

// Run prints a line for each thread, in the order of their starts.
func (c *tracesListCommand) Run(ctx context.Context, s *streams) error {
	all, report, err := c.read(ctx, s, func(*threads.Thread) bool { return false })
	if err != nil {
		return err
	}
	return errors.Join(c.print(s.out, all), whole(&report))
}

func (c *tracesListCommand) print(out io.Writer, all []threads.Thread) error {
	chosen := all[:0]
	for _, t := range all {
		if len(c.State) == 0 || slices.Contains(c.State, string(t.State)) {
			chosen = append(chosen, t)
		}
	}
	switch c.Output {
	case "json":
		for i := range chosen {
			chosen[i].Roots = nil
		}
		return printJSON(out, struct {
			Threads []threads.Thread `json:"threads"`
		}{chosen})
	case "name":
		for _, t := range chosen {
			if _, err := fmt.Fprintln(out, printable(t.ID)); err != nil {
				return err
			}
		}
		return nil
	}
	return printThreads(out, chosen)
}

// maxTask is how much of a task a table shows.
const maxTask = 60

func printThreads(out io.Writer, all []threads.Thread) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "There are no such threads.")
		return err
	}
	var text strings.Builder
	fmt.Fprintln(&text, "THREAD\tSTATE\tCALLS\tTOOLS\tDECISIONS\tERRORS\tREWARD\tSTARTED\tTOOK\tTASK")
	for i := range all {
		t := &all[i]
		state := string(t.State)
		if t.Reason != "" {
			state += " (" + t.Reason + ")"
		}
		fmt.Fprintf(&text, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", printable(t.ID), state, t.ModelCalls, t.ToolCalls, t.Decisions,
			t.Failures, rewardsOf(t), stamp(t.Start), took(t.End.Sub(t.Start)), abridge(t.Task, maxTask))
	}
	return printTable(out, text.String())
}

// rewardsOf are the rewards of a thread, in its order.
func rewardsOf(t *threads.Thread) string {
	values := t.RewardValues()
	if len(values) == 0 {
		return "-"
	}
	words := make([]string, 0, len(values))
	for i, v := range values {
		if i == 4 {
			words = append(words, fmt.Sprintf("and %d more", len(values)-i))
			break
		}
		words = append(words, fmt.Sprintf("%.4g", v))
	}
	return strings.Join(words, ", ")
}
