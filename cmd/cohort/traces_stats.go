package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/traces/threads"
)

type tracesStatsCommand struct {
	tracesFrom
	Tasks  int    `default:"10" placeholder:"N" help:"How many tasks to show, the largest groups first (${default}); json has all."`
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Run prints what the threads hold.
func (c *tracesStatsCommand) Run(ctx context.Context, s *streams) error {
	all, report, err := c.read(ctx, s, func(*threads.Thread) bool { return false })
	if err != nil {
		return err
	}
	stats := threads.Count(all, report.Tally)
	if c.Output == "json" {
		return errors.Join(printJSON(s.out, stats), whole(&report))
	}
	return errors.Join(c.print(s.out, stats), whole(&report))
}

func (c *tracesStatsCommand) print(out io.Writer, s threads.Stats) error {
	var text strings.Builder
	line := func(name, format string, values ...any) {
		fmt.Fprintf(&text, "%s\t%s\n", name, fmt.Sprintf(format, values...))
	}
	line("threads", "%d, of %d traces", s.Threads, s.Traces)
	line("read", "%d messages, %d bytes: %s", s.Messages, s.Bytes, read(s.Tally))
	line("model calls", "%d", s.ModelCalls)
	line("", "with messages %s", part(s.WithMessages, s.ModelCalls))
	line("", "with prompt token ids %s", part(s.WithPrompt, s.ModelCalls))
	line("", "with token ids %s", part(s.WithTokens, s.ModelCalls))
	line("", "with log-probabilities %s", part(s.WithLogProbs, s.ModelCalls))
	line("tool calls", "%d, %d asked for", s.ToolCalls, s.ToolRequests)
	line("decisions", "%d", s.Decisions)
	line("errors", "%d in %d spans that failed", s.Failures, s.Errors)
	if s.RewardMean != nil {
		line("rewards", "%d, mean %.4g", s.Rewards, *s.RewardMean)
	} else {
		line("rewards", "none")
	}
	for i, l := range s.Libraries {
		name := ""
		if i == 0 {
			name = "libraries"
		}
		line(name, "%s, in %d threads", printable(l.Library), l.Threads)
	}
	if err := printTable(out, text.String()); err != nil {
		return err
	}
	return c.groups(out, s)
}

// groups prints the tables below the counts.
func (c *tracesStatsCommand) groups(out io.Writer, s threads.Stats) error {
	var text strings.Builder
	if len(s.States) > 0 {
		fmt.Fprintln(&text, "\nSTATE\tTHREADS\tREASON")
	}
	for _, g := range s.States {
		fmt.Fprintf(&text, "%s\t%d\t%s\n", g.State, g.Threads, g.Reason)
	}
	if len(s.Tasks) > 0 {
		fmt.Fprintln(&text, "\nTASK\tTHREADS\tCOMPLETE\tREWARDED\tMEAN")
	}
	for i, g := range s.Tasks {
		if i == c.Tasks {
			fmt.Fprintf(&text, "and %d more\t\t\t\t\n", len(s.Tasks)-i)
			break
		}
		fmt.Fprintf(&text, "%s\t%d\t%d\t%d\t%s\n", abridge(g.Task, maxTask), g.Threads, g.Complete, g.Rewarded, number(g.Mean))
	}
	most := 0
	for _, b := range s.Histogram {
		most = max(most, b.Count)
	}
	if most > 0 {
		fmt.Fprintln(&text, "\nREWARD\tCOUNT\t")
	}
	for _, b := range s.Histogram {
		fmt.Fprintf(&text, "%.3g to %.3g\t%d\t%s\n", b.From, b.To, b.Count, strings.Repeat("█", (b.Count*40+most-1)/most))
	}
	return printTable(out, text.String())
}

// part is a share in words.
func part(n, of int) string {
	if of == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%.0f %%)", n, 100*float64(n)/float64(of))
}

// read says what there was.
func read(t threads.Tally) string {
	var words []string
	add := func(n int64, what string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(t.Spans, "spans")
	add(t.Records, "log records")
	add(t.Events, "frames")
	add(t.Duplicates, "duplicates")
	add(t.Stray, "of no thread")
	add(t.SetAside, "set aside")
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}
