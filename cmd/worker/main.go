// Command worker does the shards of jobs. Start as many as you like.
package main

import (
	"context"
	"os"

	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/services"
)

var version = "devel" // set by the linker

const description = `Does the shards of training jobs: asks agents to attempt tasks, serves them the policy, and collects and scores the traces they leave.

Start as many workers as you like, at any time; a worker may be killed at any moment, and the result of a job is the same.`

func main() {
	var flags struct {
		daemon.WorkerConfig `embed:""`
		daemon.Logging      `embed:""`
		services.ConfigFile `embed:""`

		Version kong.VersionFlag `help:"Print the version and exit."`
	}
	os.Exit(daemon.Process("worker", description, version, &flags, flags.WorkerConfig.Validate, func(ctx context.Context) error {
		flags.WorkerConfig.Version = version
		return daemon.RunWorker(ctx, flags.WorkerConfig, flags.Logger(os.Stderr))
	}))
}
