package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/hlc"
	"github.com/cohort-rl/cohort/telemetry/metrics"
	"github.com/cohort-rl/cohort/telemetry/state"
)

// counts has a number of its own in every field.
type counts struct {
	accounts  telemetry.Accounts
	anomalies hlc.Counts
	states    state.Counts
	fields    map[string]uint64 // "telemetry.Accounts admitted" to number, the field by its name in JSON
}

func distinct() *counts {
	c := &counts{fields: make(map[string]uint64)}
	next := uint64(100)
	for _, s := range []any{&c.accounts, &c.anomalies, &c.states} {
		v := reflect.ValueOf(s).Elem()
		for i := range v.NumField() {
			next++
			v.Field(i).SetUint(next)
			c.fields[v.Type().String()+" "+v.Type().Field(i).Tag.Get("json")] = next
		}
	}
	return c
}

func (c *counts) Accounts() telemetry.Accounts { return c.accounts }
func (c *counts) ClockAnomalies() hlc.Counts   { return c.anomalies }
func (c *counts) States() state.Counts         { return c.states }

// scrape returns the values by metric and labels.
func scrape(tb testing.TB, collector prometheus.Collector) map[string]float64 {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		tb.Fatal(err, problems)
	}
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		if f.GetHelp() == "" {
			tb.Errorf("%s has no help", f.GetName())
		}
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetValue() != "" {
					name += " " + l.GetValue()
				}
			}
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

// T11: there is no count that is not a metric.
func TestEveryCountIsAMetric(t *testing.T) {
	t.Parallel()
	source := distinct()
	got := scrape(t, metrics.New(source, nil))
	want := make(map[string]float64)
	for field, number := range source.fields {
		var metric string
		switch kind, name, _ := strings.Cut(field, " "); {
		case field == "telemetry.Accounts queued", field == "telemetry.Accounts spilled":
			metric = name + "_events"
		case kind == "telemetry.Accounts":
			metric = name + "_events_total"
		case kind == "hlc.Counts":
			metric = "clock_anomalies_total " + name
		case name == "patches":
			metric = "states_total patch"
		case name == "refused":
			metric = "states_total refused"
		default:
			metric = "states_total " + name + " full" // labels in their order
		}
		want["cohort_telemetry_"+metric] = float64(number)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("metrics are\n%v\nwant\n%v", got, want)
	}
}

// T11: what a full queue drops by choice is seen by whoever watches.
func TestDroppedEventsAreAMetric(t *testing.T) {
	t.Parallel()
	p := newProducer(t, func(c *telemetry.Config) { c.QueueEvents, c.WhenFull, c.Linger = 1, telemetry.Drop, time.Hour })
	for _, want := range []error{nil, telemetry.ErrDropped, telemetry.ErrDropped} {
		err := p.Admit(t.Context(), telemetry.Event{Thread: "t", Time: time.Unix(0, 0), Body: telemetry.Reward{Value: 1}})
		if !errors.Is(err, want) {
			t.Fatal(err)
		}
	}
	got := scrape(t, metrics.New(p, prometheus.Labels{"topic": "events"}))
	if got["cohort_telemetry_dropped_events_total events"] != 2 || got["cohort_telemetry_queued_events events"] != 1 {
		t.Errorf("metrics are %v", got)
	}
}

func newProducer(tb testing.TB, change func(*telemetry.Config)) *telemetry.Producer {
	tb.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(cluster.Close)
	config := telemetry.Config{Brokers: cluster.ListenAddrs(), Topic: "events"}
	change(&config)
	p, err := telemetry.NewProducer(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 10*time.Second)
		defer cancel()
		if _, err := p.Close(ctx); err != nil {
			tb.Error(err)
		}
	})
	return p
}

func ExampleNew() {
	registry := prometheus.NewRegistry()
	var producer metrics.Source = &counts{accounts: telemetry.Accounts{Admitted: 3, Acknowledged: 2, Queued: 1}} // a *telemetry.Producer
	registry.MustRegister(metrics.New(producer, prometheus.Labels{"topic": "events"}))
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families[:2] {
		fmt.Println(f.GetName(), f.GetMetric()[0].GetCounter().GetValue())
	}
	// Output:
	// cohort_telemetry_acknowledged_events_total 2
	// cohort_telemetry_admitted_events_total 3
}
