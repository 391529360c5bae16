package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob/probe"
	"github.com/cohort-rl/cohort/cmd/internal/services"
)

// storeCommand lists the commands about object stores.
type storeCommand struct {
	Probe storeProbeCommand `cmd:"" help:"Try whether a store keeps the conditions on writes that Cohort needs."`
}

type storeProbeCommand struct {
	URL    string        `arg:"" optional:"" name:"url" help:"Object store: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL. Default: that of --store."`
	Store  string        `env:"COHORT_STORE" placeholder:"URL" help:"Object store that is tried if no URL is given."`
	Output string        `short:"o" default:"table" enum:"table,json" placeholder:"FORMAT" help:"Form of what is printed: ${enum} (${default})."`
	Wait   time.Duration `default:"1m" help:"How long the trials may take together (${default})."`

	services.StoreAccess `embed:""`
	contextFlag
}

// Help says what is tried and what it leaves.
func (storeProbeCommand) Help() string {
	return "Two coordinators on a store that ignores If-None-Match or If-Match would overwrite each other's commits. So this creates a key twice, replaces a version that is gone, lets writers race, " +
		"and lists what it put and deleted; it prints each trial and what came of it. It fails if the store breaks a promise. What it writes has names that begin with probe- and is removed again. " +
		"Coordinators and workers do the same when they start."
}

// Validate names the first flag that is out of its bounds.
func (c *storeProbeCommand) Validate() error {
	if c.Wait < 100*time.Millisecond || c.Wait > time.Hour {
		return fmt.Errorf("--wait %s: use 100ms to 1h", c.Wait)
	}
	return c.StoreAccess.Validate()
}

// probed is what is printed of a probe.
type probed struct {
	Store  string        `json:"store"`
	OK     bool          `json:"ok"`
	Reason string        `json:"reason,omitempty"`
	Trials []probe.Check `json:"trials"`
}

// Run tries the store once, and prints what was tried even if it could not be
// tried to the end.
func (c *storeProbeCommand) Run(ctx context.Context, s *streams) error {
	address := cmp.Or(c.URL, c.Store)
	if address == "" {
		return usage(errors.New("no store is named: give its URL; see `cohort store probe --help`"))
	}
	if _, err := openStore(ctx, address, c.StoreAccess); err != nil {
		return err
	}
	config := services.Config{Store: address, StoreAccess: c.StoreAccess}
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	store, err := config.OpenStoreAsItIs(ctx)
	if err != nil {
		return err
	}
	trials, failed := config.CheckStore(ctx, store)
	found := probed{Store: address, OK: failed == nil, Trials: append([]probe.Check{}, trials...)}
	if failed != nil {
		found.Reason = failed.Error()
	}
	return errors.Join(c.print(s.out, found), failed)
}

func (c *storeProbeCommand) print(out io.Writer, found probed) error {
	if c.Output == "json" {
		return printJSON(out, found)
	}
	if len(found.Trials) == 0 {
		return nil // the reason says it all
	}
	var text strings.Builder
	fmt.Fprintln(&text, "TRIAL\tRESULT\tEXPECTED\tFOUND")
	for _, t := range found.Trials {
		result := "ok"
		if !t.OK {
			result = "FAIL"
		}
		fmt.Fprintf(&text, "%s\t%s\t%s\t%s\n", t.Name, result, t.Expect, t.Found)
	}
	if found.OK {
		fmt.Fprintln(&text, "\nThe store keeps its conditions: Cohort can run on it. Nothing is left of the trials.")
	}
	return printTable(out, text.String())
}
