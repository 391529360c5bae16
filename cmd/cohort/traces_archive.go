package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/traces/archive"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

type tracesArchiveCommand struct {
	tracesFrom
	Store  string `env:"COHORT_STORE" context:"store" placeholder:"URL" help:"Object store that takes the archive: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default})."`
}

// Help says what an archive is.
func (tracesArchiveCommand) Help() string {
	return "Writes every thread, whatever its state, with all messages it was made of, as Parquet files that Python reads: archive/DAY/SHA256.parquet in the store, by the day (UTC) on which threads began. " +
		"Jobs can then run after the log has forgotten the threads: --from archive:URL reads them again, as everything else does. Archiving the same threads again adds nothing."
}

// Validate names the first flag that does not go with the others.
func (c *tracesArchiveCommand) Validate() error {
	if c.Store == "" {
		return errors.New("--store is not set: name the store that takes the archive, as file:///DIR or s3://BUCKET/PREFIX?endpoint=URL")
	}
	return c.tracesFrom.Validate()
}

// archived is what is printed of an archive.
type archived struct {
	archive.Written
	Store  string               `json:"store"`
	States []threads.StateCount `json:"states"`
	Read   threads.Tally        `json:"read"`
	Unread []collect.Unread     `json:"unread,omitempty"`
}

// Run archives and says what was written.
func (c *tracesArchiveCommand) Run(ctx context.Context, s *streams) error {
	bucket, err := makeStore(ctx, c.Store, c.StoreAccess)
	if err != nil {
		return err
	}
	w := archive.NewWriter(bucket)
	if c.Index == "" && c.Dir == "" && strings.HasPrefix(c.From, topicPrefix) {
		c.Index = c.Store // The pass is made anyhow.
	}
	o := c.options()
	o.Messages = true
	report, err := c.each(ctx, s, o, func(f *collect.Found) error { return w.Add(ctx, f) })
	if err == nil {
		err = w.Close(ctx)
	}
	if err != nil {
		return err
	}
	done := archived{Written: w.Written, Store: c.Store, States: report.Threads, Read: report.Tally, Unread: report.Unread}
	return errors.Join(c.print(s.out, done), whole(&report))
}

func (c *tracesArchiveCommand) print(out io.Writer, a archived) error {
	if c.Output == "json" {
		return printJSON(out, a)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "threads\t%d\n", a.Threads)
	for _, g := range a.States {
		if g.Reason == "" {
			fmt.Fprintf(&text, "\t%d %s\n", g.Threads, g.State)
		} else {
			fmt.Fprintf(&text, "\t%d %s (%s)\n", g.Threads, g.State, g.Reason)
		}
	}
	fmt.Fprintf(&text, "read\t%d messages, %d bytes: %s\n", a.Read.Messages, a.Read.Bytes, read(a.Read))
	fmt.Fprintf(&text, "wrote\t%d bytes in %d files\n", a.Bytes, len(a.Files))
	for _, name := range a.Files {
		fmt.Fprintf(&text, "\t%s\n", name)
	}
	fmt.Fprintf(&text, "read them\tcohort traces stats --from %s%s\n", archivePrefix, a.Store)
	return printTable(out, text.String())
}

// makeStore opens a store for writing, and makes its folder if it is one.
func makeStore(ctx context.Context, address string, access services.StoreAccess) (blob.Bucket, error) {
	credentials, err := access.Credentials()
	if err != nil {
		return nil, usage(err)
	}
	b, err := open.Open(ctx, address, open.Options{Credentials: credentials, Create: true})
	if err != nil {
		return nil, usage(err)
	}
	return b, nil
}
