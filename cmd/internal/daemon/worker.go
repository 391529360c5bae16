package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/worker"
)

// maxPolicies is how many policies a worker serves at a time.
const maxPolicies = 64

// WorkerConfig is everything that can be set of a worker.
type WorkerConfig struct {
	services.Config `embed:""`

	Name      string        `env:"COHORT_WORKER_NAME" help:"Name in records and logs. Default: a random one."`
	Shards    int           `default:"8" env:"COHORT_WORKER_SHARDS" help:"Shards in hand at once."`
	Check     time.Duration `default:"5ms" env:"COHORT_WORKER_CHECK" help:"How often an idle worker asks Redis for shards."`
	Listen    string        `default:"127.0.0.1:0" env:"COHORT_WORKER_LISTEN" help:"Where this worker serves policies to agents. Port 0 takes a free one."`
	Advertise string        `env:"COHORT_WORKER_ADVERTISE" placeholder:"URL" help:"Base URL at which agents reach this worker. Default: the address it listens at."`
	Grace     time.Duration `default:"10s" env:"COHORT_WORKER_GRACE" help:"How long shards in hand may go on after the signal to stop; then they are handed back."`
}

// Validate names the first field that is out of its bounds.
func (c *WorkerConfig) Validate() error {
	if err := c.Config.Validate(); err != nil {
		return err
	}
	if c.Shards < 1 || c.Shards > 1024 {
		return fmt.Errorf("--shards %d: use 1 to 1024", c.Shards)
	}
	if c.Check < time.Millisecond || c.Check > time.Minute {
		return fmt.Errorf("--check %s: use 1ms to 1m", c.Check)
	}
	if err := checkLoopback(c.Listen); err != nil {
		return err
	}
	if c.Advertise == "" {
		return nil
	}
	if u, err := url.Parse(c.Advertise); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("--advertise %q: use a base URL such as http://10.0.0.7:7411", c.Advertise)
	}
	return nil
}

// checkLoopback refuses an address that others could reach.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen %q: use HOST:PORT, such as 127.0.0.1:0", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("--listen %q: use a loopback address, such as 127.0.0.1:0", address)
	}
	return nil
}

// RunWorker runs a worker until ctx ends, and then drains it.
func RunWorker(ctx context.Context, c WorkerConfig, logger *slog.Logger) (err error) {
	if c.Name == "" {
		c.Name = "worker-" + nonce()[:8]
	}
	logger = logger.With("worker", c.Name)
	conns, err := c.Connect(ctx, logger)
	if err != nil {
		return err
	}
	defer func() { err = first(err, conns.Close()) }()
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	base := c.Advertise
	if base == "" {
		base = "http://" + listener.Addr().String()
	}
	server := queue.NewServer(conns.Redis, conns.Deployment.RedisPrefix(), queue.ServerConfig{Shards: c.Shards, Check: c.Check, Grace: c.Grace, Logger: logger})
	host := serve.NewHost(maxPolicies)
	w := worker.New(worker.Config{
		Store: conns.Store, Log: conns.Log, Codec: conns.Codec, Reports: server,
		Policies: serve.Site{Host: host, Base: base},
		Agents:   agents(c.Shards),
		Brokers:  c.Kafka,
		Clock:    clock.System{}, Nonce: nonce, Logger: logger, Name: c.Name,
	})
	logger.Info("Worker is ready.", "store", c.Store, "policies", base)

	// Policies are served until the last shard is out of hand.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return host.Serve(serving, listener) })
	g.Go(func() error { w.Pulse(gctx); return nil })
	g.Go(func() error {
		defer stop()
		return server.Run(gctx, w.Handle)
	})
	return g.Wait()
}

// agents makes a client for each job's agent.
func agents(shards int) func(*job.Definition) (worker.Agent, error) {
	return func(def *job.Definition) (worker.Agent, error) {
		return agent.NewClient(agent.Config{
			URL: def.Spec.Agent.URL, Health: def.Spec.Agent.Health,
			Concurrency: min(1024, shards*def.Spec.Limits.RolloutsInFlight),
		})
	}
}

// first is the first error that is one.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
