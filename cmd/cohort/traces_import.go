package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/importer"
	"github.com/cohort-rl/cohort/traces/kafka"
	"github.com/cohort-rl/cohort/traces/threads"
)

type tracesImportCommand struct {
	tracesFrom
	Topic      string `required:"" placeholder:"TOPIC" help:"Topic that takes the messages."`
	Partitions int    `default:"8" placeholder:"N" help:"How many partitions to make the topic with if it is not there (${default})."`
	Output     string `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what is written and what is printed of it.
func (tracesImportCommand) Help() string {
	return "Writes the messages of files or of an archive to a topic of Kafka as they are, each acknowledged by all replicas, and prints what became of every one: read = acknowledged + refused + set aside. " +
		"Importing again writes them again; readers count each event once."
}

// Validate names the first flag that does not go with the others.
func (c *tracesImportCommand) Validate() error {
	switch {
	case c.From == topicPrefix+c.Topic:
		return fmt.Errorf("--from %s and --topic %s are the same topic", c.From, c.Topic)
	case c.Partitions < 1 || c.Partitions > 10_000:
		return fmt.Errorf("--partitions %d: use 1 to 10000", c.Partitions)
	}
	return c.tracesFrom.Validate()
}

// Run imports and prints the accounts, also of what came to an end too early.
func (c *tracesImportCommand) Run(ctx context.Context, s *streams) error {
	log, err := openLog(ctx, c.Kafka, c.KafkaSecurity)
	if err != nil {
		return err
	}
	defer log.Close()
	n, err := log.Partitions(ctx, c.Topic)
	if errors.Is(err, traces.ErrGone) {
		n = c.Partitions
		err = log.Create(ctx, c.Topic, n, 0)
	}
	if err != nil {
		return err
	}
	to, err := importer.New(ctx, log, c.Topic, n, func(err error) bool { return errors.Is(err, kafka.ErrRefused) })
	if err != nil {
		return err
	}
	err = c.gather(ctx, func(ctx context.Context, source threads.Source) error { return source.Read(ctx, to) })
	if err == nil {
		err = to.Close()
	}
	a := to.Accounts
	for i, n := range a.Named {
		if i == c.ShowAside {
			break
		}
		fmt.Fprintf(s.err, "not imported: %s: %s\n", printable(n.Place.String()), printable(n.Reason))
	}
	err = errors.Join(c.print(s.out, a), err)
	if a.Refused > 0 {
		err = errors.Join(err, fmt.Errorf("the cluster refused %d messages: raise max.message.bytes of the topic %s, or export smaller requests", a.Refused, c.Topic))
	}
	return err
}

func (c *tracesImportCommand) print(out io.Writer, a importer.Accounts) error {
	if c.Output == "json" {
		return printJSON(out, a)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "read\t%d messages\n", a.Read)
	fmt.Fprintf(&text, "acknowledged\t%d, as %d records of %d bytes\n", a.Acknowledged, a.Records, a.Bytes)
	fmt.Fprintf(&text, "refused\t%d\n", a.Refused)
	fmt.Fprintf(&text, "set aside\t%d\n", a.SetAside)
	fmt.Fprintf(&text, "read them\tcohort traces stats --from %s%s\n", topicPrefix, c.Topic)
	return printTable(out, text.String())
}
