package metrics_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/cohort-rl/cohort/blob/cache"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/coordinator"
	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/serving"
)

var _ coordinator.Observer = (*metrics.Coordinator)(nil)

// depths are those of a queue that says what it is told to.
type depths struct {
	all []queue.Depth
	err error
}

func (d depths) Depths(context.Context) ([]queue.Depth, error) { return d.all, d.err }

// process is one that has every metric there is.
type process struct {
	registry    *prometheus.Registry
	weather     *metrics.Weather
	worker      *metrics.Worker
	coordinator *metrics.Coordinator
	cache       cache.Observer
}

func newProcess(d metrics.Depths, checks metrics.Checks) *process {
	p := &process{registry: prometheus.NewRegistry()}
	metrics.Describe(p.registry, "v1.2.3")
	p.weather = metrics.NewWeather(p.registry)
	p.worker = metrics.NewWorker(p.registry, clock.System{}, p.weather)
	p.coordinator = metrics.NewCoordinator(p.registry)
	metrics.RegisterQueues(p.registry, d)
	metrics.RegisterServices(p.registry, checks)
	p.cache = metrics.StoreCache(p.registry)
	return p
}

// scrape reads /metrics as Prometheus would.
func (p *process) scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	handler := metrics.Handler(p.registry, nil, serving.Token{}, slog.New(slog.DiscardHandler))
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value is that of the metric with these label values, given as name, value,
// name, value...; a histogram's is its count.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families[name].GetMetric() {
		has := map[string]string{}
		for _, l := range m.GetLabel() {
			has[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && has[labels[i]] == labels[i+1]
		}
		if !fits {
			continue
		}
		if h := m.GetHistogram(); h != nil {
			return float64(h.GetSampleCount())
		}
		return m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	t.Errorf("there is no %s with %v", name, labels)
	return -1
}

// want compares values of metrics.
func want(t *testing.T, families map[string]*dto.MetricFamily, expected float64, name string, labels ...string) {
	t.Helper()
	if got := value(t, families, name, labels...); got != expected {
		t.Errorf("%s%v is %v, want %v", name, labels, got, expected)
	}
}
