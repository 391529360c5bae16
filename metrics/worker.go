package metrics

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/worker"
)

// Worker counts what a worker does.
type Worker struct {
	clock   clock.Clock
	weather *Weather

	shards       *prometheus.CounterVec
	shardSeconds *prometheus.HistogramVec
	inHand       prometheus.Gauge
	attempts     *prometheus.CounterVec
	seconds      prometheus.Histogram
	inFlight     prometheus.Gauge
}

// How a shard left a worker's hands.
const (
	shardDone    = "done"
	shardRefused = "refused" // left to a worker of another version
	shardBack    = "handed_back"
)

// NewWorker registers the metrics of a worker.
func NewWorker(r prometheus.Registerer, c clock.Clock, w *Weather) *Worker {
	m := &Worker{
		clock: c, weather: w,
		shards:       counters(r, "shards_total", "Shards that left this worker's hands, by phase and result.", "phase", "result"),
		shardSeconds: histograms(r, "shard_seconds", "Time that a shard was in hand.", prometheus.ExponentialBuckets(0.002, 2, 20), "phase"),
		inHand:       gauge(r, "shards_in_hand", "Shards in this worker's hands."),
		attempts:     counters(r, "attempts_total", "Attempts at rollouts that agents were asked for, by result.", "result"),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "attempt_seconds", Help: "Time of an attempt at a rollout.", Buckets: prometheus.ExponentialBuckets(0.002, 2, 20),
		}),
		inFlight: gauge(r, "rollouts_in_flight", "Attempts at rollouts that agents are at."),
	}
	r.MustRegister(m.seconds)
	for _, p := range []job.Phase{job.Rollout, job.Extract, job.Assemble, job.Collect, job.Updating} {
		m.shards.WithLabelValues(string(p), shardDone)
	}
	for _, result := range []string{attemptAnswered, attemptFailed, attemptTimedOut, attemptBroke, attemptWeather} {
		m.attempts.WithLabelValues(result)
	}
	return m
}

// Handler counts and times the shards that go through next.
func (m *Worker) Handler(next queue.Handler) queue.Handler {
	return func(ctx context.Context, t queue.Task) error {
		m.inHand.Inc()
		defer m.inHand.Dec()
		began := m.clock.Now()
		err := next(ctx, t)
		phase, result := phaseOf(t), shardDone
		switch {
		case errors.Is(err, queue.ErrLeftAlone):
			result = shardRefused
		case err != nil:
			result = shardBack
		}
		m.shards.WithLabelValues(phase, result).Inc()
		m.shardSeconds.WithLabelValues(phase).Observe(m.clock.Now().Sub(began).Seconds())
		return err
	}
}

// phaseOf is the kind of a task's phase. One that this build does not know has no label
// of its own, for the text comes from outside.
func phaseOf(t queue.Task) string {
	switch p := t.Shard.Phase.Kind(); p {
	case job.Rollout, job.Extract, job.Assemble, job.Collect, job.Updating:
		return string(p)
	}
	return "unknown"
}

// Agent counts and times the attempts that next is asked for.
func (m *Worker) Agent(next worker.Agent) worker.Agent { return &meteredAgent{next, m} }

type meteredAgent struct {
	worker.Agent
	metrics *Worker
}

// How an attempt came out.
const (
	attemptAnswered  = "answered"
	attemptFailed    = "failed"    // the agent's own failure
	attemptTimedOut  = "timed_out" // likewise
	attemptBroke     = "broke"     // accepted, then without an answer
	attemptWeather   = "weather"
	attemptCancelled = "cancelled" // by the worker
)

// Attempt implements worker.Agent.
func (a *meteredAgent) Attempt(ctx context.Context, r agent.Request) (agent.Answer, error) {
	m := a.metrics
	m.inFlight.Inc()
	defer m.inFlight.Dec()
	began := m.clock.Now()
	answer, err := a.Agent.Attempt(ctx, r)
	result := attemptResult(ctx, err)
	m.attempts.WithLabelValues(result).Inc()
	m.seconds.Observe(m.clock.Now().Sub(began).Seconds())
	if result == attemptWeather || result == attemptBroke {
		m.weather.Count(Agent)
	}
	return answer, err
}

func attemptResult(ctx context.Context, err error) string {
	var failed *agent.Failed
	switch {
	case err == nil:
		return attemptAnswered
	case ctx.Err() != nil:
		return attemptCancelled
	case errors.Is(err, agent.ErrTimedOut):
		return attemptTimedOut
	case errors.As(err, &failed):
		return attemptFailed
	case errors.Is(err, agent.ErrBroke):
		return attemptBroke
	}
	return attemptWeather
}
