package daemon

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/coordinator"
	"github.com/cohort-rl/cohort/queue"
)

// CoordinatorConfig is everything that can be set of a coordinator.
type CoordinatorConfig struct {
	Services `embed:""`

	Name   string        `env:"COHORT_COORDINATOR_NAME" help:"Name in leases, records and logs. Default: a random one."`
	Listen string        `default:"127.0.0.1:7070" env:"COHORT_LISTEN" help:"Where the HTTP API is served."`
	Lease  time.Duration `default:"3s" env:"COHORT_LEASE" help:"How long a job's lease holds after its driver died; then another coordinator takes over."`
	Rescan time.Duration `default:"1s" env:"COHORT_RESCAN" help:"How often the store is asked for jobs that nobody drives."`
	Poll   time.Duration `default:"500ms" env:"COHORT_POLL" help:"How often the store is asked for shards that no hint came for."`

	// Version is what the API says of this build; Ready is told the address of
	// the API once it is served, and may be nil.
	Version string                 `kong:"-"`
	Ready   func(address net.Addr) `kong:"-"`
}

// RunCoordinator runs a coordinator until ctx ends.
func RunCoordinator(ctx context.Context, c CoordinatorConfig, logger *slog.Logger) (err error) {
	if c.Name == "" {
		c.Name = "coordinator-" + nonce()[:8]
	}
	logger = logger.With("coordinator", c.Name)
	conns, err := connect(ctx, c.Services, logger)
	if err != nil {
		return err
	}
	defer func() { err = first(err, conns.Close()) }()
	supervisor := coordinator.NewSupervisor(coordinator.Config{
		Store: conns.store, Log: conns.log, Codec: conns.codec,
		Queue: queue.NewClient(conns.redis, conns.deployment.RedisPrefix()),
		Clock: clock.System{}, Nonce: nonce, Logger: logger, Name: c.Name,
		TopicPrefix: conns.deployment.TopicPrefix(), Poll: c.Poll,
	}, c.Rescan, c.Lease)
	logger.Info("Coordinator is ready.", "store", c.Store)
	if err := supervisor.Run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}
