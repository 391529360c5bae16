package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/blob/metered"
)

// StoreRequests returns an observer that counts and times the requests to the
// object store; each that failed for a passing reason is weather too.
func StoreRequests(r prometheus.Registerer, w *Weather) metered.Observer {
	total := counters(r, "store_requests_total", "Requests to the object store by method and result.", "method", "result")
	seconds := histograms(r, "store_request_seconds", "Time of a request to the object store.",
		prometheus.ExponentialBuckets(0.0005, 2, 16), "method")
	for _, m := range []metered.Method{metered.Get, metered.Put, metered.Head, metered.List, metered.Delete} {
		total.WithLabelValues(string(m), string(metered.OK))
		seconds.WithLabelValues(string(m))
	}
	return func(m metered.Method, result metered.Result, took time.Duration) {
		total.WithLabelValues(string(m), string(result)).Inc()
		seconds.WithLabelValues(string(m)).Observe(took.Seconds())
		if result == metered.Weather {
			w.Count(Store)
		}
	}
}
