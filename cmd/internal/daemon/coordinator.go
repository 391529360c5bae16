package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob/retry"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/coordinator"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/spans/export"
)

// CoordinatorConfig is everything that can be set of a coordinator.
type CoordinatorConfig struct {
	services.Config `embed:""`
	Exposure        `embed:""`
	Tracing         `embed:""`
	Receiving       `embed:""`

	Name          string        `env:"COHORT_COORDINATOR_NAME" help:"Name in leases, records and logs. Default: a random one."`
	Listen        string        `default:"127.0.0.1:7070" env:"COHORT_LISTEN" help:"Where the HTTP API is served (${default}). Beyond loopback only with --tls-cert, --tls-key and a token."`
	MetricsListen string        `default:"127.0.0.1:7071" env:"COHORT_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Where /metrics, /healthz and /readyz are served (${default}); empty for nowhere. Port 0 takes a free one."`
	Lease         time.Duration `default:"3s" env:"COHORT_LEASE" help:"How long a job's lease holds after its driver died; then another coordinator takes over."`
	Rescan        time.Duration `default:"1s" env:"COHORT_RESCAN" help:"How often the store is asked for jobs that nobody drives."`
	Poll          time.Duration `default:"500ms" env:"COHORT_POLL" help:"How often the store is asked for shards that no hint came for."`
	Grace         time.Duration `default:"10s" env:"COHORT_GRACE" help:"How long requests under way may go on after the signal to stop (${default}). A second signal ends the process at once."`

	// Version is what the API says of this build; Ready is told the address of
	// the API once it is served, and that of the receiver, and may be nil.
	Version string                                           `kong:"-"`
	Ready   func(address net.Addr, receiver ReceiverAddress) `kong:"-"`
}

// Validate names the first field that is out of its bounds.
func (c *CoordinatorConfig) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	if err := c.Exposure.Validate(); err != nil {
		return err
	}
	if err := c.Tracing.Validate(); err != nil {
		return err
	}
	if err := c.Receiving.Validate(c.Exposure); err != nil {
		return err
	}
	for _, f := range []struct {
		name        string
		value       time.Duration
		least, most time.Duration
	}{
		{"lease", c.Lease, 500 * time.Millisecond, time.Hour},
		{"rescan", c.Rescan, 100 * time.Millisecond, time.Minute},
		{"poll", c.Poll, 50 * time.Millisecond, time.Minute},
		{"grace", c.Grace, time.Millisecond, time.Hour},
	} {
		if f.value < f.least || f.value > f.most {
			return fmt.Errorf("--%s %s: use %s to %s", f.name, f.value, f.least, f.most)
		}
	}
	return c.Exposure.checkAll(c.Listen, c.MetricsListen)
}

// RunCoordinator runs a coordinator until ctx ends; what is under way then has
// the grace period.
func RunCoordinator(ctx context.Context, c CoordinatorConfig, logger *slog.Logger) (err error) {
	if c.Name == "" {
		c.Name = "coordinator-" + services.Nonce()[:8]
	}
	logger = logger.With("coordinator", c.Name)
	b, err := begin(ctx, settings{c.Config, c.Exposure, c.Listen, c.MetricsListen, c.Version}, logger)
	if err != nil {
		return err
	}
	defer func() { err = first(err, b.close()) }()
	tracer, flush, err := b.trace(ctx, c.Tracing, export.Process{Service: "cohort-coordinator", Name: c.Name, Version: c.Version}, c.Grace)
	if err != nil {
		return err
	}
	defer flush()
	reception, err := b.receive(ctx, c.Receiving, c.Exposure, c.Grace)
	if err != nil {
		return err
	}
	defer func() { err = first(err, reception.close()) }()
	metrics.RegisterQueues(b.registry, b.queue)
	observer := metrics.NewCoordinator(b.registry)
	supervisor := coordinator.NewSupervisor(coordinator.Config{
		Store: b.Store, Log: b.Log, Codec: b.Codec, Queue: b.queue,
		Clock: clock.System{}, Nonce: services.Nonce, Logger: logger, Name: c.Name,
		TopicPrefix: b.Deployment.TopicPrefix(), Poll: c.Poll, Hands: b.queue.Hands,
		Observer: observer, Opened: observer.Opened, Spans: tracer,
	}, c.Rescan, c.Lease)
	server := api.NewServer(api.Config{ //nolint:contextcheck // each request has its own
		Store: retry.New(b.Store, retry.Default(), time.Now, rand.Float64), //nolint:gosec // pauses need no secret
		Wake:  supervisor.Wake, Clock: clock.System{}, Nonce: services.Nonce, Logger: logger, Version: c.Version,
		NewID:    func(name string) job.ID { return job.ID(name + "-" + services.Nonce()[:8]) },
		Refusals: b.queue.Refusals, Token: b.token, Grace: c.Grace,
		Topics: b.Log, TopicPrefix: b.Deployment.TopicPrefix(),
	})
	logger.Info("Coordinator is ready.", "api", b.address, "metrics", b.metricsAddress(c.Exposure), "store", c.Store)
	if reception != nil {
		logger.Info("Traces of OpenTelemetry exporters are taken.", "otlp", reception.address, "topic", reception.topic)
	}
	if c.Ready != nil {
		c.Ready(b.listener.Addr(), reception.said())
	}
	defer context.AfterFunc(ctx, func() {
		logger.Info("Stopping; a second signal ends the process at once.", "grace", c.Grace)
	})()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Serve(gctx, b.listener) })
	g.Go(func() error { return b.serveMetrics(gctx) })
	g.Go(func() error { return reception.serve(gctx) })
	g.Go(func() error {
		if err := drained(gctx, c.Grace, logger, supervisor.Run); gctx.Err() == nil {
			return err
		}
		return nil
	})
	return g.Wait()
}
