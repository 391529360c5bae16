package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/queue"
)

// scrapeTimeout bounds what is asked of a service while metrics are read.
const scrapeTimeout = 2 * time.Second

// Depths are the depths of a deployment's queues, in an order of their own.
type Depths interface {
	Depths(ctx context.Context) ([]queue.Depth, error)
}

// queues asks for the depths of the queues whenever metrics are read. While Redis
// is away it tells nothing of them.
type queues struct {
	depths Depths
	shards *prometheus.Desc
	oldest *prometheus.Desc
}

// RegisterQueues registers the depths of the queues. They are the deployment's:
// every process that tells them tells the same.
func RegisterQueues(r prometheus.Registerer, d Depths) {
	r.MustRegister(&queues{
		depths: d,
		shards: prometheus.NewDesc(namespace+"_queue_shards", "Shards in a queue of the deployment, by whether they wait or are in hand.", []string{"queue", "state"}, nil),
		oldest: prometheus.NewDesc(namespace+"_queue_oldest_seconds", "How long the shard of a queue waits that waits longest.", []string{"queue"}, nil),
	})
}

// Describe implements prometheus.Collector.
func (q *queues) Describe(to chan<- *prometheus.Desc) {
	to <- q.shards
	to <- q.oldest
}

// Collect implements prometheus.Collector.
func (q *queues) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	depths, err := q.depths.Depths(ctx)
	if err != nil {
		return // cohort_service_up says that Redis is away
	}
	for _, d := range depths {
		to <- prometheus.MustNewConstMetric(q.shards, prometheus.GaugeValue, float64(d.Waiting), d.Queue, "waiting")
		to <- prometheus.MustNewConstMetric(q.shards, prometheus.GaugeValue, float64(d.Running), d.Queue, "in_hand")
		to <- prometheus.MustNewConstMetric(q.oldest, prometheus.GaugeValue, d.Oldest.Seconds(), d.Queue)
	}
}
