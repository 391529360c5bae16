package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

type deadLettersListCommand struct {
	deadLettersFrom
	Limit  int    `default:"1000" help:"How many letters to list at most (${default}); all are counted."`
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what is printed.
func (deadLettersListCommand) Help() string {
	return "Prints a line for each dead letter of a topic or of a spill file: where it lies, when and why it was given up, and the thread, producer instance and sequence of its event. A letter of a spill file that has no thread is what its producer could not tell the log before it had to end: a tombstone or the final record. It changes nothing, and may be used while the producer runs."
}

// letterJSON is a letter as JSON prints it.
type letterJSON struct {
	Place      string            `json:"place"`
	Died       time.Time         `json:"died"`
	Class      telemetry.Class   `json:"class"`
	Reason     string            `json:"reason"`
	Topic      string            `json:"topic"`
	Partition  int               `json:"partition"`
	Producer   string            `json:"producer"`
	Sequence   string            `json:"sequence,omitempty"`
	Thread     string            `json:"thread"`
	Bytes      int               `json:"bytes"`
	Redacted   int               `json:"redacted,omitempty"`
	Replayable bool              `json:"replayable"`
	Own        bool              `json:"own,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	Event      *eventJSON        `json:"event,omitempty"`
}

func (f *deadLettersFrom) json(l letter) letterJSON {
	return letterJSON{
		Place: f.place(l), Died: l.Died, Class: l.Class, Reason: l.Reason, Topic: l.Topic, Partition: l.Partition,
		Producer: l.Producer, Sequence: sequenceOf(l), Thread: l.Key, Bytes: len(l.Frame), Redacted: l.Redacted, Replayable: l.Replayable(), Own: l.Own(),
	}
}

// sequenceOf is what the event's header says, if it has one.
func sequenceOf(l letter) string {
	for _, h := range l.Headers {
		if h.Key == "sequence" {
			return string(h.Value)
		}
	}
	return ""
}

// Run prints the letters.
func (c *deadLettersListCommand) Run(ctx context.Context, s *streams) error {
	if c.Limit < 1 {
		return usage(fmt.Errorf("--limit %d: use at least 1", c.Limit))
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var listed []letterJSON
	counts := struct {
		Letters    int `json:"letters"`
		Replayable int `json:"replayable"`
		Damaged    int `json:"damaged"`
	}{}
	bad, err := c.read(ctx, func(l letter) error {
		counts.Letters++
		if l.Replayable() {
			counts.Replayable++
		}
		if len(listed) < c.Limit {
			listed = append(listed, c.json(l))
		}
		return nil
	})
	if err != nil {
		return err
	}
	counts.Damaged = bad
	if c.Output == "json" {
		err = printJSON(s.out, struct {
			Letters []letterJSON `json:"letters"`
			Totals  any          `json:"totals"`
		}{listed, counts})
	} else {
		err = printLetters(s, listed)
		fmt.Fprintf(s.out, "%d dead letters, %d of them replayable.\n", counts.Letters, counts.Replayable)
	}
	if err == nil && bad > 0 {
		err = c.damaged(bad, counts.Letters)
	}
	return err
}

func printLetters(s *streams, letters []letterJSON) error {
	if len(letters) == 0 {
		return nil
	}
	var text strings.Builder
	fmt.Fprintln(&text, "PLACE\tDIED\tCLASS\tTO\tSEQUENCE\tTHREAD\tBYTES\tREASON")
	for _, l := range letters {
		fmt.Fprintf(&text, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", l.Place, stamp(l.Died), l.Class, destination(l), dash(l.Sequence), dash(l.Thread), l.Bytes, shorten(l.Reason))
	}
	return printTable(s.out, text.String())
}

// destination is where a letter's event belongs.
func destination(l letterJSON) string {
	if !l.Replayable {
		return l.Topic
	}
	return fmt.Sprintf("%s/%d", l.Topic, l.Partition)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// shorten cuts a reason to one line of a table.
func shorten(s string) string {
	const most = 80
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}

type deadLettersShowCommand struct {
	deadLettersFrom
	Place  string `arg:"" help:"Which letter: what list prints under PLACE."`
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what is printed.
func (deadLettersShowCommand) Help() string {
	return "Prints one dead letter: every header of its message, why it was given up, and its event. What was taken out as a secret is shown as " + telemetry.Redacted + "."
}

// errFound ends a search.
var errFound = errors.New("found")

// Run prints the letter.
func (c *deadLettersShowCommand) Run(ctx context.Context, s *streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	var found letter
	_, err := c.read(ctx, func(l letter) error {
		if c.place(l) != c.Place {
			return nil
		}
		found = l
		return errFound
	})
	switch {
	case err == nil:
		return fmt.Errorf("there is no dead letter at %s: `cohort telemetry deadletters list` prints where they are", c.Place)
	case !errors.Is(err, errFound):
		return err
	}
	out := c.json(found)
	out.Headers = map[string]string{}
	for _, h := range found.Headers {
		out.Headers[h.Key] = string(h.Value)
	}
	if event, err := eventOf(found.DeadLetter); err == nil {
		shown := eventOfJSON(event)
		out.Event = &shown
	}
	if c.Output == "json" {
		return printJSON(s.out, out)
	}
	return printTable(s.out, letterText(found, out))
}

func letterText(l letter, shown letterJSON) string {
	var text strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&text, "%s\t%v\n", name, value) }
	line("place", shown.Place)
	line("died", stamp(l.Died))
	line("class", l.Class)
	line("reason", strings.Join(strings.Fields(l.Reason), " "))
	line("to", destination(shown))
	line("given up by", l.Producer)
	line("replayable", l.Replayable())
	line("redacted", l.Redacted)
	line("bytes", len(l.Frame))
	for _, h := range l.Headers {
		line("header "+h.Key, string(h.Value))
	}
	if e := shown.Event; e != nil {
		line("thread", e.Thread)
		line("index", e.Index)
		if e.Time != nil {
			line("time", stamp(*e.Time))
		}
		line("name", e.Name)
		for _, key := range slices.Sorted(maps.Keys(e.Attributes)) {
			line("attribute "+key, e.Attributes[key])
		}
		line("kind", e.Kind)
		line("summary", e.Summary)
	}
	return text.String()
}
