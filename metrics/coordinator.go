package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/job"
)

// Coordinator counts what a coordinator does. It is a coordinator.Observer.
type Coordinator struct {
	driving   prometheus.Gauge
	open      prometheus.Gauge
	commits   prometheus.Counter
	rollouts  *prometheus.CounterVec
	takeOvers prometheus.Counter
	redrives  *prometheus.CounterVec
}

// The fates of rollouts.
const (
	fateUsed    = "used"
	fateDropped = "dropped"
	fateFailed  = "failed"
)

// NewCoordinator registers the metrics of a coordinator.
func NewCoordinator(r prometheus.Registerer) *Coordinator {
	m := &Coordinator{
		driving:   gauge(r, "jobs_driven", "Jobs that this coordinator drives."),
		open:      gauge(r, "steps_open", "Training steps that are under way in the jobs that this coordinator drives."),
		commits:   counter(r, "commits_total", "Checkpoints that this coordinator committed."),
		rollouts:  counters(r, "rollouts_total", "Rollouts whose fate this coordinator committed, by fate.", "fate"),
		takeOvers: counter(r, "take_overs_total", "Phases that this coordinator went on with and had not begun."),
		redrives:  counters(r, "redrives_total", "Shards that were driven again because nobody held them any more.", "phase"),
	}
	for _, fate := range []string{fateUsed, fateDropped, fateFailed} {
		m.rollouts.WithLabelValues(fate)
	}
	for _, p := range []job.Phase{job.Rollout, job.Extract, job.Assemble, job.Collect, job.Updating} {
		m.redrives.WithLabelValues(string(p))
	}
	return m
}

// Driving implements coordinator.Observer.
func (m *Coordinator) Driving(jobs int) { m.driving.Set(float64(jobs)) }

// Opened is told by how many the steps that are under way changed.
func (m *Coordinator) Opened(change int) { m.open.Add(float64(change)) }

// Committed implements coordinator.Observer.
func (m *Coordinator) Committed() { m.commits.Inc() }

// Settled implements coordinator.Observer.
func (m *Coordinator) Settled(fates job.Totals) {
	m.rollouts.WithLabelValues(fateUsed).Add(float64(fates.Used))
	m.rollouts.WithLabelValues(fateDropped).Add(float64(fates.Dropped))
	m.rollouts.WithLabelValues(fateFailed).Add(float64(fates.Failed))
}

// TakenOver implements coordinator.Observer.
func (m *Coordinator) TakenOver() { m.takeOvers.Inc() }

// Redriven implements coordinator.Observer.
func (m *Coordinator) Redriven(phase job.Phase) {
	m.redrives.WithLabelValues(string(phase.Kind())).Inc()
}
