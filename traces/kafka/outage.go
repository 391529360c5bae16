package kafka

import (
	"log/slog"
	"sync/atomic"
)

// outage says once that Kafka does not answer, and once that it does again.
type outage struct {
	logger  *slog.Logger
	weather func()
	away    atomic.Bool
}

// Observe makes the log say to logger when Kafka does not answer and when it
// does again, and call weather for each request that is made again. Call it
// before the log is used; weather is called by several goroutines at once.
func (l *Log) Observe(logger *slog.Logger, weather func()) {
	l.outage.logger, l.outage.weather = logger, weather
}

// failed notes a request that is made again. Only what goes on for long is said.
func (o *outage) failed(err error, long bool) {
	if o.logger == nil {
		return
	}
	o.weather()
	if long && !o.away.Swap(true) {
		o.logger.Warn("Kafka does not answer; trying again until it does.", "error", err)
	}
}

func (o *outage) answered() {
	if o.away.Load() && o.away.Swap(false) {
		o.logger.Info("Kafka answers again.")
	}
}
