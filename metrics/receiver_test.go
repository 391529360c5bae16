package metrics_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces/otlp"
)

func TestReceiverCountsRequestsAndRecords(t *testing.T) {
	t.Parallel()
	p := newProcess(depths{}, nil)
	m := metrics.NewReceiver(p.registry)
	m.Began()
	m.Began()
	m.Accepted(otlp.Spans, 12, time.Second)
	m.Refused(otlp.Logs, receiver.ReasonID, 3)
	m.Answered(otlp.Spans, http.StatusServiceUnavailable, time.Second)
	families := p.scrape(t)
	want(t, families, 1, "cohort_otlp_requests_in_flight")
	want(t, families, 12, "cohort_otlp_records_accepted_total", "signal", "spans")
	want(t, families, 3, "cohort_otlp_records_refused_total", "signal", "logs", "reason", "id")
	want(t, families, 0, "cohort_otlp_records_refused_total", "signal", "spans", "reason", "too_large")
	want(t, families, 1, "cohort_otlp_requests_total", "signal", "spans", "status", "503")
	want(t, families, 1, "cohort_otlp_acknowledge_seconds")
}
