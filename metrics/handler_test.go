package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/serving"
)

func ask(t *testing.T, h http.Handler, path, token string) (status int, body string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestReadyMeansThatEveryServiceAnswers(t *testing.T) {
	t.Parallel()
	var redis error
	checks := metrics.Checks{
		{metrics.Store, func(context.Context) error { return nil }},
		{metrics.Redis, func(context.Context) error { return redis }},
	}
	p := newProcess(depths{}, checks)
	h := metrics.Handler(p.registry, checks, serving.Token{}, slog.New(slog.DiscardHandler))
	if status, body := ask(t, h, "/readyz", ""); status != http.StatusOK || body != `{"status":"ok"}` {
		t.Errorf("%d %s", status, body)
	}
	want(t, p.scrape(t), 1, "cohort_service_up", "service", "redis")
	redis = errors.New("connection refused")
	status, body := ask(t, h, "/readyz", "")
	if status != http.StatusServiceUnavailable || body != `{"status":"unavailable","reasons":["redis does not answer: connection refused"]}` || !json.Valid([]byte(body)) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask(t, h, "/healthz", ""); status != http.StatusOK {
		t.Errorf("a process without Redis does not live: %d", status)
	}
	families := p.scrape(t)
	want(t, families, 0, "cohort_service_up", "service", "redis")
	want(t, families, 1, "cohort_service_up", "service", "store")
}

func TestMetricsAskForTheTokenAndProbesDoNot(t *testing.T) {
	t.Parallel()
	h := metrics.Handler(newProcess(depths{}, nil).registry, nil, serving.NewToken("0123456789abcdef"), slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		path, token string
		status      int
	}{
		{"/metrics", "", 401},
		{"/metrics", "another one, too", 401},
		{"/metrics", "0123456789abcdef", 200},
		{"/healthz", "", 200},
		{"/readyz", "", 200},
		{"/other", "0123456789abcdef", 404},
	} {
		if status, body := ask(t, h, c.path, c.token); status != c.status {
			t.Errorf("%s with %q: %d %s", c.path, c.token, status, body)
		}
	}
}
