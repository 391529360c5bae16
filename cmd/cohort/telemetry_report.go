package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/traces/audit"
)

// errIncomplete says that a topic lacks something.
var errIncomplete = errors.New("the log lacks events, or holds what cannot be read: see above")

// printAudits prints the accounts, and fails if one of them is not whole.
func printAudits(out io.Writer, form string, reports []*audit.Report) error {
	whole := true
	for _, r := range reports {
		whole = whole && r.Whole()
	}
	var err error
	if form == "json" {
		err = printJSON(out, struct {
			Whole  bool            `json:"whole"`
			Topics []*audit.Report `json:"topics"`
		}{whole, reports})
	} else {
		err = printAuditText(out, reports)
	}
	if err == nil && !whole {
		err = errIncomplete
	}
	return err
}

func printAuditText(out io.Writer, reports []*audit.Report) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(out, "There is no job that has begun, so there is no topic to read.")
		return err
	}
	for i, r := range reports {
		if i > 0 {
			if _, err := fmt.Fprintln(out); err != nil {
				return err
			}
		}
		if err := printTable(out, auditTotals(r)); err != nil {
			return err
		}
		if _, err := io.WriteString(out, auditFindings(r)); err != nil {
			return err
		}
	}
	return nil
}

// auditTotals are the sums as lines of name and value.
func auditTotals(r *audit.Report) string {
	var text strings.Builder
	line := func(name, format string, values ...any) { fmt.Fprintf(&text, name+"\t"+format+"\n", values...) }
	t := r.Totals
	line("topic", "%s", r.Topic)
	line("records", "%d in %d partitions = %d events + %d finals + %d markers + %d tombstones + %d duplicates + %d unreadable",
		t.Records, len(r.Partitions), t.Events, t.Finals, t.Markers, t.Tombstones, t.Duplicates, t.Unreadable)
	line("producers", "%d in %d streams, %d unclean, %d trimmed", t.Producers, t.Streams, t.Unclean, t.Trimmed)
	line("threads", "%d = %d complete + %d open + %d incomplete", t.Threads, t.Complete, t.Open, t.Incomplete)
	if t.DeadLettered+t.Replayed > 0 {
		line("dead letters", "%d dead-lettered and not here, %d replayed", t.DeadLettered, t.Replayed)
	}
	line("gap", "%d", t.Gap)
	return text.String()
}

// auditFindings are the findings, a sentence a line.
func auditFindings(r *audit.Report) string {
	var text strings.Builder
	for _, s := range r.Streams {
		who := fmt.Sprintf("producer %s, partition %d", s.Producer, s.Partition)
		for _, g := range s.Gaps {
			fmt.Fprintf(&text, "MISSING: %s: %s, shown by offset %d.\n", who, sequences(g), g.ShownBy)
		}
		for _, g := range s.Dead {
			fmt.Fprintf(&text, "DEAD-LETTERED: %s: %s, says the tombstone at offset %d; `cohort telemetry deadletters` looks for them.\n", who, sequences(g), g.ShownBy)
		}
		if s.StartsAt >= 0 {
			fmt.Fprintf(&text, "%s: the log starts at offset %d, with sequence %d.\n", who, s.StartsAt, s.First)
		}
		if s.Unclean {
			fmt.Fprintf(&text, "%s: no final record: what came after sequence %d, if anything, is unknown.\n", who, s.Highest)
		}
		if s.Duplicates+s.Reordered > 0 {
			fmt.Fprintf(&text, "%s: %d duplicates, %d out of order; readers drop the first and sort the second.\n", who, s.Duplicates, s.Reordered)
		}
	}
	for _, t := range r.Threads {
		fmt.Fprintf(&text, "INCOMPLETE: thread %s lacks %d of %d events.\n", t.ID, t.Missing, t.Events)
	}
	for _, u := range r.Unreadable {
		fmt.Fprintf(&text, "UNREADABLE: partition %d, offset %d: %s.\n", u.Partition, u.Offset, u.Reason)
	}
	return text.String()
}

// sequences names the sequences of a gap.
func sequences(g audit.Gap) string {
	if g.Until == g.From+1 {
		return fmt.Sprintf("sequence %d", g.From)
	}
	return fmt.Sprintf("sequences %d to %d", g.From, g.Until-1)
}
