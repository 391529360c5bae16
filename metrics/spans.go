package metrics

import "github.com/prometheus/client_golang/prometheus"

// Spans counts what becomes of the spans of a process.
type Spans struct{ spans *prometheus.CounterVec }

// What became of a span.
const (
	spanExported = "exported"
	spanDropped  = "dropped"
	spanFailed   = "failed"
)

// NewSpans registers the metrics of the spans that a process exports.
func NewSpans(r prometheus.Registerer) *Spans {
	m := &Spans{counters(r, "spans_total", "OpenTelemetry spans of this process, by what became of them.", "result")}
	for _, result := range []string{spanExported, spanDropped, spanFailed} {
		m.spans.WithLabelValues(result)
	}
	return m
}

// Exported counts spans that the collector took.
func (m *Spans) Exported(n int) { m.spans.WithLabelValues(spanExported).Add(float64(n)) }

// Dropped counts spans that the queue had no room for.
func (m *Spans) Dropped(n int) { m.spans.WithLabelValues(spanDropped).Add(float64(n)) }

// Failed counts spans that the collector did not take.
func (m *Spans) Failed(n int) { m.spans.WithLabelValues(spanFailed).Add(float64(n)) }
