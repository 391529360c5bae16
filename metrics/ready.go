package metrics

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Check asks a service whether it answers.
type Check struct {
	Service Service
	Ask     func(ctx context.Context) error
}

// Checks are the services that a process needs.
type Checks []Check

// Ask asks all services at once, each for at most two seconds, and returns what
// each said, in their order; nil is that it answers.
func (c Checks) Ask(ctx context.Context) []error {
	ctx, cancel := context.WithTimeout(ctx, scrapeTimeout)
	defer cancel()
	said := make([]error, len(c))
	var asking sync.WaitGroup
	for i, check := range c {
		asking.Go(func() {
			if err := check.Ask(ctx); err != nil {
				said[i] = fmt.Errorf("%s does not answer: %w", check.Service, err)
			}
		})
	}
	asking.Wait()
	return said
}

// services tells whether each service answers whenever metrics are read.
type services struct {
	checks Checks
	up     *prometheus.Desc
}

// RegisterServices registers whether the services answer.
func RegisterServices(r prometheus.Registerer, c Checks) {
	r.MustRegister(&services{c, prometheus.NewDesc(namespace+"_service_up", "1 while a service that this process needs answers, 0 while it does not.", []string{"service"}, nil)})
}

// Describe implements prometheus.Collector.
func (s *services) Describe(to chan<- *prometheus.Desc) { to <- s.up }

// Collect implements prometheus.Collector.
func (s *services) Collect(to chan<- prometheus.Metric) {
	for i, err := range s.checks.Ask(context.Background()) {
		up := 1.0
		if err != nil {
			up = 0
		}
		to <- prometheus.MustNewConstMetric(s.up, prometheus.GaugeValue, up, string(s.checks[i].Service))
	}
}
