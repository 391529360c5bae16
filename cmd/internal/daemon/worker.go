package daemon

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob/cache"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/serving"
	"github.com/cohort-rl/cohort/spans/export"
	"github.com/cohort-rl/cohort/worker"
)

// maxPolicies is how many policies a worker serves at a time.
const maxPolicies = 64

// WorkerConfig is everything that can be set of a worker.
type WorkerConfig struct {
	services.Config `embed:""`
	Exposure        `embed:""`
	Tracing         `embed:""`

	Name          string        `env:"COHORT_WORKER_NAME" help:"Name in records and logs. Default: a random one."`
	Shards        int           `default:"8" env:"COHORT_WORKER_SHARDS" help:"Shards in hand at once."`
	Check         time.Duration `default:"5ms" env:"COHORT_WORKER_CHECK" help:"How often an idle worker asks Redis for shards."`
	Listen        string        `default:"127.0.0.1:0" env:"COHORT_WORKER_LISTEN" help:"Where this worker serves policies to agents. Port 0 takes a free one. Beyond loopback only with --tls-cert, --tls-key and a token; agents are given one made from it."`
	MetricsListen string        `env:"COHORT_WORKER_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Where /metrics, /healthz and /readyz are served, such as 127.0.0.1:7072. Default: nowhere. Port 0 takes a free one."`
	StoreCache    int           `default:"128" placeholder:"MIB" env:"COHORT_WORKER_STORE_CACHE" help:"Memory for objects of the store that never change, such as weights and parts of batches, in MiB (${default}); 0 keeps none."`
	Advertise     string        `env:"COHORT_WORKER_ADVERTISE" placeholder:"URL" help:"Base URL at which agents reach this worker. Default: the address it listens at."`
	RewardHost    []string      `default:"127.0.0.1,localhost,::1" placeholder:"HOST" env:"COHORT_WORKER_REWARD_HOSTS" help:"Hosts that may be asked for rewards, each a name or NAME:PORT (${default})."`
	RewardToken   secret.Text   `env:"COHORT_WORKER_REWARD_TOKEN" placeholder:"TOKEN" help:"Bearer token that those hosts are sent. Set it in the environment."`
	Grace         time.Duration `default:"10s" env:"COHORT_WORKER_GRACE" help:"How long shards in hand may go on after the signal to stop; then they are handed back. A second signal ends the process at once."`

	// Version is what the metrics say of this build.
	Version string `kong:"-"`
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
	if c.Grace < time.Millisecond || c.Grace > time.Hour {
		return fmt.Errorf("--grace %s: use 1ms to 1h", c.Grace)
	}
	if c.StoreCache < 0 || c.StoreCache > 1<<20 {
		return fmt.Errorf("--store-cache %d: use 0 to 1048576 MiB", c.StoreCache)
	}
	if err := c.Exposure.Validate(); err != nil {
		return err
	}
	if err := c.Tracing.Validate(); err != nil {
		return err
	}
	if err := c.checkAll(c.Listen, c.MetricsListen); err != nil {
		return err
	}
	return c.checkAdvertised()
}

// checkAdvertised refuses addresses that agents could not use, or at which they
// would send the token in the clear.
func (c *WorkerConfig) checkAdvertised() error {
	token, err := c.token()
	if err != nil {
		return err
	}
	if c.Advertise == "" {
		host, _, err := net.SplitHostPort(c.Listen)
		if ip := net.ParseIP(host); err == nil && (host == "" || ip.IsUnspecified()) {
			return fmt.Errorf("--listen %s: agents cannot be told this address: name the one they reach with --advertise, such as https://10.0.0.7:7411", c.Listen)
		}
		return nil
	}
	u, err := url.Parse(c.Advertise)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return fmt.Errorf("--advertise %q: use a base URL such as https://10.0.0.7:7411", c.Advertise)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && token != "" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return fmt.Errorf("--advertise %s: agents send the token there: use https", c.Advertise)
	}
	return nil
}

// RunWorker runs a worker until ctx ends, and then drains it: the shards in hand
// have the grace period, and are handed back after it.
func RunWorker(ctx context.Context, c WorkerConfig, logger *slog.Logger) (err error) {
	if c.Name == "" {
		c.Name = "worker-" + services.Nonce()[:8]
	}
	logger = logger.With("worker", c.Name)
	b, err := begin(ctx, settings{c.Config, c.Exposure, c.Listen, c.MetricsListen, c.Version}, logger)
	if err != nil {
		return err
	}
	defer func() { err = first(err, b.close()) }()
	tracer, flush, err := b.trace(ctx, c.Tracing, export.Process{Service: "cohort-worker", Name: c.Name, Version: c.Version}, c.Grace)
	if err != nil {
		return err
	}
	defer flush()
	base := cmp.Or(strings.TrimRight(c.Advertise, "/"), b.address)
	server := queue.NewServer(b.Redis, b.Deployment.RedisPrefix(), queue.ServerConfig{
		Name: c.Name, Shards: c.Shards, Check: c.Check, Grace: c.Grace, Logger: logger,
	})
	// Agents are given a token of their own: it opens policies, and not the API.
	token := serving.Derive(b.token, "policies")
	host := serve.NewHost(maxPolicies)
	host.Guard(serving.NewToken(token))
	measured := metrics.NewWorker(b.registry, clock.System{}, b.weather)
	w := worker.New(worker.Config{
		Store: cache.New(b.Store, int64(c.StoreCache)<<20, metrics.StoreCache(b.registry)),
		Log:   b.Log, Codec: b.Codec, Reports: server,
		Policies: serve.Site{Host: host, Base: base}, PolicyToken: token,
		Agents:  agents(c.Shards, measured),
		Brokers: c.Kafka,
		Clock:   clock.System{}, Nonce: services.Nonce, Logger: logger, Name: c.Name,
		Spans:   tracer,
		Rewards: reward.Services{Client: reward.Client(), Hosts: c.RewardHost, Token: c.RewardToken},
	})
	logger.Info("Worker is ready.", "store", c.Store, "policies", base, "metrics", b.metricsAddress(c.Exposure))

	// Policies are served, and metrics told, until the last shard is out of hand.
	draining, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		logger.Info("Stopping; a second signal ends the process at once.", "grace", c.Grace)
	})()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return host.Serve(draining, b.listener) })
	g.Go(func() error { return b.serveMetrics(draining) })
	g.Go(func() error { w.Pulse(gctx); return nil })
	g.Go(func() error {
		defer stop()
		return server.Run(gctx, measured.Handler(w.Handle))
	})
	return g.Wait()
}

// agents makes a client for each job's agent.
func agents(shards int, measured *metrics.Worker) func(*job.Definition) (worker.Agent, error) {
	return func(def *job.Definition) (worker.Agent, error) {
		client, err := agent.NewClient(agent.Config{
			URL: def.Spec.Agent.URL, Health: def.Spec.Agent.Health,
			Concurrency: min(1024, shards*def.Spec.Limits.RolloutsInFlight),
		})
		if err != nil {
			return nil, err
		}
		return measured.Agent(client), nil
	}
}

// first is the first error that is one.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
