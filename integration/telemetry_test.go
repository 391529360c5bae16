//go:build services

package integration_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// check reads log, dead letters and spill files and holds them against what the
// producers say.
func (c *scene) check(t *testing.T) {
	t.Helper()
	var sum telemetry.Accounts
	var admitted uint64
	for _, p := range c.results {
		for _, problem := range p.Problems {
			t.Error(problem)
		}
		a := p.Accounts
		admitted += p.Admitted
		if !a.Balanced() || a.Queued != 0 || a.Admitted != p.Admitted {
			t.Errorf("accounts after Close are %+v", a)
		}
		sum.Admitted += a.Admitted
		sum.Acknowledged += a.Acknowledged
		sum.DeadLettered += a.DeadLettered
		sum.Spilled += a.Spilled
		sum.Failed += a.Failed
		sum.Uncertain += a.Uncertain
		sum.Replayed += a.Replayed
	}
	elsewhere := map[string]bool{} // in the dead letters or a spill file
	for _, p := range c.results {
		if _, err := spill.Scan(p.Spill, func(r spill.Record) error {
			l, err := telemetry.ReadDeadLetter(r.Payload)
			if err == nil {
				elsewhere[identity(l.Headers, l.Partition)] = true
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	if uint64(len(elsewhere)) != sum.Spilled {
		t.Errorf("%d events are in the spill files, accounts say %d", len(elsewhere), sum.Spilled)
	}
	letters := c.letters(t, elsewhere)
	if letters < sum.DeadLettered {
		t.Errorf("%d dead letters, accounts say %d", letters, sum.DeadLettered)
	}
	here, overlap, report := uint64(0), uint64(0), &audit.Report{}
	if !c.deleted {
		here, overlap = c.log(t, elsewhere)
		report = auditTopic(t, c.logs(), c.topic)
		if here < sum.Acknowledged || here > admitted || here-sum.Acknowledged > sum.Uncertain || overlap > sum.Uncertain {
			t.Errorf("the log has %d events, %d of them elsewhere too; accounts are %+v", here, overlap, sum)
		}
		if report.Totals.Gap != 0 || report.Totals.Unreadable != 0 || report.Totals.Unclean != 0 {
			t.Errorf("the audit says %+v", report.Totals)
		}
		if c.unsure && (sum.Uncertain == 0 || report.Totals.Duplicates == 0) {
			t.Errorf("no answer was lost: accounts are %+v, the audit says %+v", sum, report.Totals)
		}
	}
	t.Logf("%-40s admitted %d = acknowledged %d + dead-lettered %d + spilled %d + failed %d; uncertain %d, replayed %d; log %d, also elsewhere %d, duplicates %d, gap %d, under tombstones %d",
		c.name, sum.Admitted, sum.Acknowledged, sum.DeadLettered, sum.Spilled, sum.Failed, sum.Uncertain, sum.Replayed,
		here, overlap, report.Totals.Duplicates, report.Totals.Gap, report.Totals.DeadLettered)
	if admitted != producers*c.events {
		t.Errorf("%d events were admitted, of %d", admitted, producers*c.events)
	}
}

// identity tells an event from all others.
func identity(headers []telemetry.Header, partition int) string {
	var producer, sequence string
	for _, h := range headers {
		switch h.Key {
		case "producer":
			producer = string(h.Value)
		case "sequence":
			sequence = string(h.Value)
		}
	}
	return fmt.Sprintf("%s/%d/%s", producer, partition, sequence)
}

// scan reads a topic whole.
func scan(t *testing.T, of kafka.Config, topic string, take func(traces.Record, []telemetry.Header) error) {
	t.Helper()
	log, err := kafka.Open(of)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	bounds, err := log.Bounds(t.Context(), topic)
	if errors.Is(err, traces.ErrGone) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for p, b := range bounds {
		err := traces.Topic{Log: log, Name: topic}.Scan(t.Context(), p, b.First, b.End, func(r traces.Record) error {
			headers := make([]telemetry.Header, len(r.Headers))
			for i, h := range r.Headers {
				headers[i] = telemetry.Header(h)
			}
			return take(r, headers)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// letters counts the dead letters, each once, and adds them to elsewhere.
func (c *scene) letters(t *testing.T, elsewhere map[string]bool) (n uint64) {
	t.Helper()
	seen := map[string]bool{}
	scan(t, kafka.Config{Brokers: c.other}, c.topic+".dead", func(r traces.Record, headers []telemetry.Header) error {
		l, err := telemetry.ParseDeadLetter(time.Unix(0, 0), r.Key, r.Value, headers)
		if err != nil {
			return err
		}
		seen[identity(l.Headers, l.Partition)] = true
		return nil
	})
	for id := range seen {
		elsewhere[id] = true
	}
	return uint64(len(seen))
}

// log counts the events of the log, each once, and those that are elsewhere too.
func (c *scene) log(t *testing.T, elsewhere map[string]bool) (n, overlap uint64) {
	t.Helper()
	seen := map[string]bool{}
	scan(t, c.logs(), c.topic, func(r traces.Record, headers []telemetry.Header) error {
		if id := identity(headers, r.Partition); len(r.Key) > 0 && !seen[id] {
			seen[id] = true
			if elsewhere[id] {
				overlap++
			}
		}
		return nil
	})
	return uint64(len(seen)), overlap
}

func auditTopic(t *testing.T, of kafka.Config, topic string) *audit.Report {
	t.Helper()
	log, err := kafka.Open(of)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Audit(t.Context(), traces.Topic{Log: log, Codec: codec, Name: topic}, telemetry.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return report
}
