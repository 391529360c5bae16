package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/metered"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/serving"
)

// settings are what the base of a daemon is made from.
type settings struct {
	services services.Config
	exposure Exposure
	listen   string
	metrics  string // address; empty for none
	version  string
}

// base is what every daemon has once it has begun.
type base struct {
	*services.Connections
	queue    *queue.Client
	token    secret.Text
	address  string // of listener, as a URL
	listener net.Listener
	registry *prometheus.Registry
	weather  *metrics.Weather
	checks   metrics.Checks
	metrics  net.Listener // nil where nobody asks
	logger   *slog.Logger
}

// begin connects to the services, listens, and makes all that is done countable.
// The caller closes what it returns.
func begin(ctx context.Context, s settings, logger *slog.Logger) (b *base, err error) {
	b = &base{registry: prometheus.NewRegistry(), logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.token, err = s.exposure.token(); err != nil {
		return b, err
	}
	if b.Connections, err = s.services.Connect(ctx, logger); err != nil {
		return b, err
	}
	if b.listener, err = s.exposure.listen(ctx, "listen", s.listen); err != nil {
		return b, err
	}
	b.address = s.exposure.scheme() + b.listener.Addr().String()
	if s.metrics != "" {
		if b.metrics, err = s.exposure.listen(ctx, "metrics-listen", s.metrics); err != nil {
			return b, err
		}
	}
	b.observe(s.version)
	return b, nil
}

// observe makes requests to the services countable.
func (b *base) observe(version string) {
	metrics.Describe(b.registry, version)
	b.weather = metrics.NewWeather(b.registry)
	b.Redis.AddHook(metrics.RedisHook(b.weather))
	b.Log.Observe(b.logger, func() { b.weather.Count(metrics.Kafka) })
	b.Store = metered.New(b.Store, time.Now, metrics.StoreRequests(b.registry, b.weather))
	b.queue = queue.NewClient(b.Redis, b.Deployment.RedisPrefix())
	b.checks = metrics.Checks{
		{Service: metrics.Store, Ask: b.askStore},
		{Service: metrics.Redis, Ask: func(ctx context.Context) error { return b.Redis.Ping(ctx).Err() }},
		{Service: metrics.Kafka, Ask: b.Log.Ping},
	}
	metrics.RegisterServices(b.registry, b.checks)
}

// askStore asks the store for an object that may be there.
func (b *base) askStore(ctx context.Context) error {
	_, err := b.Store.Head(ctx, job.DeploymentKey)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	return err
}

// serveMetrics answers probes and Prometheus until ctx ends.
func (b *base) serveMetrics(ctx context.Context) error {
	if b.metrics == nil {
		return nil
	}
	return metrics.Serve(ctx, b.metrics, metrics.Handler(b.registry, b.checks, serving.NewToken(b.token), b.logger))
}

// metricsAddress is where metrics are served, for the log; empty for nowhere.
func (b *base) metricsAddress(e Exposure) string {
	if b.metrics == nil {
		return ""
	}
	return e.scheme() + b.metrics.Addr().String()
}

// close closes what was opened; listeners that were served are closed already.
func (b *base) close() error {
	for _, l := range []net.Listener{b.listener, b.metrics} {
		if l != nil {
			l.Close()
		}
	}
	if b.Connections == nil {
		return nil
	}
	return b.Connections.Close()
}
