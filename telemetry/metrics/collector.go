// Package metrics tells Prometheus what a telemetry producer counts: what became
// of every event, what was wrong with its clock, and how states were sent. An
// agent registers a [Collector] for each of its producers.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/hlc"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// Source is what a Collector asks, a *telemetry.Producer.
type Source interface {
	Accounts() telemetry.Accounts
	ClockAnomalies() hlc.Counts
	States() state.Counts
}

// Collector is a prometheus.Collector. It asks its source whenever metrics are
// read and keeps nothing.
type Collector struct {
	source    Source
	accounts  []account
	anomalies *prometheus.Desc
	states    *prometheus.Desc
}

// account is a metric of one of the accounts.
type account struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(telemetry.Accounts) uint64
}

// New returns a collector. The labels tell the producers of a process apart, and
// may be nil if there is one.
func New(source Source, labels prometheus.Labels) *Collector {
	desc := func(name, help string, variable ...string) *prometheus.Desc {
		return prometheus.NewDesc("cohort_telemetry_"+name, help, variable, labels)
	}
	c := &Collector{
		source:    source,
		anomalies: desc("clock_anomalies_total", "Events that were stamped while the wall clock was wrong, and stamps of others that were refused, by kind.", "kind"),
		states:    desc("states_total", "Versions of states that agents recorded: sent as patch, sent full for a reason, or refused.", "sent", "reason"),
	}
	for _, row := range rows() {
		name, kind := row.name+"_events_total", prometheus.CounterValue
		if row.gauge {
			name, kind = row.name+"_events", prometheus.GaugeValue
		}
		c.accounts = append(c.accounts, account{desc(name, row.help), kind, row.value})
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, a := range c.accounts {
		to <- a.desc
	}
	to <- c.anomalies
	to <- c.states
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	accounts := c.source.Accounts()
	for _, a := range c.accounts {
		to <- prometheus.MustNewConstMetric(a.desc, a.kind, float64(a.value(accounts)))
	}
	count := func(desc *prometheus.Desc, value uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), labels...)
	}
	a := c.source.ClockAnomalies()
	count(c.anomalies, a.Before2020, "before_2020")
	count(c.anomalies, a.JumpedBack, "jumped_back")
	count(c.anomalies, a.FarAhead, "far_ahead")
	count(c.anomalies, a.Overflow, "overflow")
	s := c.source.States()
	count(c.states, s.Patches, "patch", "")
	count(c.states, s.First, "full", "first")
	count(c.states, s.Interval, "full", "interval")
	count(c.states, s.AfterFailure, "full", "after_failure")
	count(c.states, s.Larger, "full", "larger")
	count(c.states, s.Operations, "full", "operations")
	count(c.states, s.PatchFailed, "full", "patch_failed")
	count(c.states, s.Refused, "refused", "")
}
