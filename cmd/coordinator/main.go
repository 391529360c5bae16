// Command coordinator drives jobs and serves the HTTP API. Any number of
// coordinators may run.
package main

import (
	"context"
	"os"

	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/services"
)

var version = "devel" // set by the linker

const description = `Drives training jobs and serves the HTTP API that cohort talks to.

Any number of coordinators may run on the same services: one drives a job, the others take over when it dies. Everything that must last is in the object store, so a coordinator has no state of its own.`

func main() {
	var flags struct {
		daemon.CoordinatorConfig `embed:""`
		daemon.Logging           `embed:""`
		services.ConfigFile      `embed:""`

		Version kong.VersionFlag `help:"Print the version and exit."`
	}
	os.Exit(daemon.Process("coordinator", description, version, &flags, flags.CoordinatorConfig.Validate, func(ctx context.Context) error {
		flags.CoordinatorConfig.Version = version
		return daemon.RunCoordinator(ctx, flags.CoordinatorConfig, flags.Logger(os.Stderr))
	}))
}
