package metrics_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/metrics"
)

func TestAnswersOfAPolicyAreCountedByStatus(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	m := metrics.NewPolicy(p.registry, clock.System{})
	handler := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wrong" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		m.Decided(3)
		_, _ = io.WriteString(w, "decided")
	}))
	for _, path := range []string{"/right", "/wrong", "/right"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, nil))
	}
	families := p.scrape(t)
	want(t, families, 2, "cohort_policy_requests_total", "status", "200")
	want(t, families, 1, "cohort_policy_requests_total", "status", "400")
	want(t, families, 6, "cohort_decisions_total")
	want(t, families, 3, "cohort_policy_request_seconds")
}
