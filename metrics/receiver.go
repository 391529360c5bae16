package metrics

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces/otlp"
)

// Receiver counts what a receiver of OpenTelemetry exporters does.
type Receiver struct {
	requests *prometheus.CounterVec
	seconds  prometheus.Histogram
	inFlight prometheus.Gauge
	accepted *prometheus.CounterVec
	refused  *prometheus.CounterVec
	acks     prometheus.Histogram
}

var _ receiver.Observer = (*Receiver)(nil)

// NewReceiver registers the metrics of a receiver.
func NewReceiver(r prometheus.Registerer) *Receiver {
	buckets := prometheus.ExponentialBuckets(0.001, 2, 15)
	m := &Receiver{
		requests: counters(r, "otlp_requests_total", "Requests of OpenTelemetry exporters, by signal and status.", "signal", "status"),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "otlp_request_seconds", Help: "Time from a request's headers to its answer.", Buckets: buckets,
		}),
		inFlight: gauge(r, "otlp_requests_in_flight", "Requests of OpenTelemetry exporters that have no answer yet."),
		accepted: counters(r, "otlp_records_accepted_total", "Spans and log records that Kafka has acknowledged.", "signal"),
		refused:  counters(r, "otlp_records_refused_total", "Spans and log records that were left out for good, by reason.", "signal", "reason"),
		acks: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "otlp_acknowledge_seconds", Help: "Time until Kafka had acknowledged all of a request.", Buckets: buckets,
		}),
	}
	r.MustRegister(m.seconds, m.acks)
	for _, s := range []otlp.Signal{otlp.Spans, otlp.Logs} {
		m.accepted.WithLabelValues(signalName(s))
		m.requests.WithLabelValues(signalName(s), strconv.Itoa(http.StatusOK))
		for _, reason := range receiver.Reasons() {
			m.refused.WithLabelValues(signalName(s), reason)
		}
	}
	return m
}

func signalName(s otlp.Signal) string {
	if s == otlp.Logs {
		return "logs"
	}
	return "spans"
}

// Began implements receiver.Observer.
func (m *Receiver) Began() { m.inFlight.Inc() }

// Answered implements receiver.Observer.
func (m *Receiver) Answered(s otlp.Signal, status int, took time.Duration) {
	m.inFlight.Dec()
	m.requests.WithLabelValues(signalName(s), strconv.Itoa(status)).Inc()
	m.seconds.Observe(took.Seconds())
}

// Accepted implements receiver.Observer.
func (m *Receiver) Accepted(s otlp.Signal, records int, took time.Duration) {
	m.accepted.WithLabelValues(signalName(s)).Add(float64(records))
	m.acks.Observe(took.Seconds())
}

// Refused implements receiver.Observer.
func (m *Receiver) Refused(s otlp.Signal, reason string, records int) {
	m.refused.WithLabelValues(signalName(s), reason).Add(float64(records))
}
