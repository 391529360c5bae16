package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/doctor"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/numerics"
)

type doctorCommand struct {
	Output string `short:"o" default:"text" enum:"text,json" placeholder:"FORM" help:"Form of the findings: ${enum} (${default})."`
	serverFlags
	services.Config     `embed:""`
	services.ConfigFile `embed:""`
}

// Help says what is looked at.
func (doctorCommand) Help() string {
	return "Give it the settings of your coordinators and workers. It tries every connection, looks at versions, rights, topics, clocks and whether the store keeps conditions on writes, " +
		"and says what is wrong and what to do. It changes nothing, and what it has to write it removes again. Each check has --wait. It fails if a check does."
}

// Validate names the first flag that is out of its bounds.
func (c *doctorCommand) Validate() error {
	if c.Wait < 100*time.Millisecond || c.Wait > time.Hour {
		return fmt.Errorf("--wait %s: use 100ms to 1h", c.Wait)
	}
	return c.Config.Validate()
}

// Run prints a line for each check as soon as it was made.
func (c *doctorCommand) Run(ctx context.Context, s *streams) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	tell := func(f doctor.Finding) { printFinding(s.out, f) }
	if c.Output == "json" {
		tell = func(doctor.Finding) {}
	}
	all, err := doctor.Run(ctx, doctor.Config{
		Services: c.Config, Server: client, Address: c.Server, Default: c.Server == defaultServer && os.Getenv("COHORT_SERVER") == "",
		Nonce: services.Nonce, Now: time.Now, Version: version, Numerics: numerics.Version,
	}, tell)
	if err != nil {
		return err
	}
	failed := doctor.Failed(all)
	if c.Output == "json" {
		err = printJSON(s.out, struct {
			OK       bool             `json:"ok"`
			Findings []doctor.Finding `json:"findings"`
		}{!failed, all})
	}
	if err == nil && failed {
		err = errors.New("a check failed: see above for what to do")
	}
	return err
}

// printFinding prints a finding, and below it what to do.
func printFinding(out io.Writer, f doctor.Finding) {
	fmt.Fprintf(out, "%-8s %s: %s\n", f.Status, f.Check, f.Found)
	if f.Remedy != "" {
		fmt.Fprintf(out, "         -> %s\n", f.Remedy)
	}
}
