package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Service is something that a process needs and that may be away.
type Service string

// The services.
const (
	Store Service = "store"
	Redis Service = "redis"
	Kafka Service = "kafka"
	Agent Service = "agent"
)

// Weather counts what had to be tried again because a service was away.
type Weather struct{ total *prometheus.CounterVec }

// NewWeather registers the counter.
func NewWeather(r prometheus.Registerer) *Weather {
	w := &Weather{counters(r, "weather_total", "Requests to a service that failed for a passing reason and are made again.", "service")}
	for _, s := range []Service{Store, Redis, Kafka, Agent} {
		w.total.WithLabelValues(string(s))
	}
	return w
}

// Count counts a request that failed for a passing reason.
func (w *Weather) Count(s Service) { w.total.WithLabelValues(string(s)).Inc() }
