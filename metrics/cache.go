package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/blob/cache"
)

// StoreCache returns an observer that counts the reads a cache of objects
// answered, and those it passed on.
func StoreCache(r prometheus.Registerer) cache.Observer {
	reads := counters(r, "store_cache_reads_total", "Reads of objects that never change, by result.", "result")
	bytes := gauge(r, "store_cache_bytes", "Bytes of objects that are kept in memory.")
	hit, miss := reads.WithLabelValues("hit"), reads.WithLabelValues("miss")
	return func(found bool, held int64) {
		if found {
			hit.Inc()
		} else {
			miss.Inc()
		}
		bytes.Set(float64(held))
	}
}
