package daemon

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/serving"
)

// PolicyConfig is everything that can be set of a server of one policy.
type PolicyConfig struct {
	Exposure `embed:""`

	Listen string `default:"127.0.0.1:7080" env:"COHORT_SERVE_LISTEN" placeholder:"HOST:PORT" help:"Where the policy, /metrics and /healthz are served (${default}). Port 0 takes a free one. Beyond loopback only with --tls-cert, --tls-key and a token."`

	// Version is what the metrics say of this build; Ready is told the URL of the
	// policy once it is served, and whether it asks for a token.
	Version string                       `kong:"-"`
	Ready   func(url string, token bool) `kong:"-"`
}

// Validate names the first field that is out of its bounds.
func (c *PolicyConfig) Validate() error {
	if err := c.Exposure.Validate(); err != nil {
		return err
	}
	return c.check("listen", c.Listen)
}

// RunPolicy serves a policy until ctx ends.
func RunPolicy(ctx context.Context, c PolicyConfig, p policy.Policy, logger *slog.Logger) error {
	text, err := c.token()
	if err != nil {
		return err
	}
	token := serving.NewToken(text)
	listener, err := c.listen(ctx, "listen", c.Listen)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	metrics.Describe(registry, c.Version)
	measured := metrics.NewPolicy(registry, clock.System{})
	host := serve.NewHost(1)
	host.Guard(token)
	host.Observe(measured.Decided)
	digest := host.Put(p)
	mux := http.NewServeMux()
	mux.Handle("/", metrics.Handler(registry, nil, token, logger))
	mux.Handle("/v1/policies/", measured.Handler(host.Handler()))
	site := serve.Site{Host: host, Base: c.scheme() + listener.Addr().String()}
	c.Ready(site.URL(digest), token.Required())
	return serve.Run(ctx, listener, mux)
}
