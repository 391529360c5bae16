package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/clock"
)

// Policy counts what a server of a policy answers.
type Policy struct {
	clock     clock.Clock
	requests  *prometheus.CounterVec
	seconds   prometheus.Histogram
	decisions prometheus.Counter
}

// NewPolicy registers the metrics of a server of a policy.
func NewPolicy(r prometheus.Registerer, c clock.Clock) *Policy {
	m := &Policy{
		clock:     c,
		requests:  counters(r, "policy_requests_total", "Requests to the policy, by the status of the answer.", "status"),
		decisions: counter(r, "decisions_total", "Decisions that the policy made."),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "policy_request_seconds", Help: "Time of a request to the policy.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
	}
	r.MustRegister(m.seconds)
	m.requests.WithLabelValues(strconv.Itoa(http.StatusOK))
	return m
}

// Decided counts decisions.
func (m *Policy) Decided(decisions int) { m.decisions.Add(float64(decisions)) }

// Handler counts and times the requests that next answers.
func (m *Policy) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := m.clock.Now()
		told := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(told, r)
		m.requests.WithLabelValues(strconv.Itoa(told.status)).Inc()
		m.seconds.Observe(m.clock.Now().Sub(began).Seconds())
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController through.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
