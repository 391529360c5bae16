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
	sum := c.sum(t)
	elsewhere := &eventSet{} // in the dead letters or a spill file
	spilled, atTheDoor := c.spilled(t, elsewhere)
	if elsewhere.n != spilled || spilled+atTheDoor != sum.Spilled {
		t.Errorf("%d events are in the spill files %d times, and %d that were refused; accounts say %d", elsewhere.n, spilled, atTheDoor, sum.Spilled)
	}
	lettered, refused := c.letters(t, elsewhere)
	if lettered.n+refused < sum.DeadLettered {
		t.Errorf("%d dead letters, %d of events that were refused; accounts say %d", lettered.n, refused, sum.DeadLettered)
	}
	r := row{name: c.name, accounts: sum}
	if !c.deleted {
		r.log, r.elsewhere = c.log(t, elsewhere)
		c.finish(t)
		r.audit = c.audit(t)
		if r.log < sum.Acknowledged || r.log-sum.Acknowledged > sum.Uncertain || r.elsewhere > sum.Uncertain {
			t.Errorf("the log has %d events, %d of them elsewhere too; accounts are %+v", r.log, r.elsewhere, sum)
		}
		if c.unsure && (sum.Uncertain == 0 || r.audit.Duplicates == 0) {
			t.Errorf("no answer was lost: accounts are %+v, the audit says %+v", sum, r.audit)
		}
		// With a deleted topic what was acknowledged is gone.
		if found := r.log + elsewhere.n - r.elsewhere + atTheDoor + refused; found+sum.Failed < sum.Admitted {
			t.Errorf("%d events are somewhere and %d have failed, of %d", found, sum.Failed, sum.Admitted)
		}
	}
	if (sum.Refused > 0) != c.limited {
		t.Errorf("%d events were refused", sum.Refused)
	}
	c.rows = append(c.rows, r)
}

// sum adds up the accounts, each of which must hold for itself.
func (c *scene) sum(t *testing.T) (sum telemetry.Accounts) {
	t.Helper()
	told := uint64(0)
	for _, p := range c.results {
		for _, problem := range p.Problems {
			t.Error(problem)
		}
		a := p.Accounts
		if !a.Balanced() || a.Queued != 0 || a.Refused != p.Refused || a.Admitted != p.Admitted+a.Refused-a.Discarded {
			t.Errorf("%d events were admitted and %d refused; accounts after Close are %+v", p.Admitted, p.Refused, a)
		}
		told += p.Admitted + p.Refused
		sum.Admitted += a.Admitted
		sum.Acknowledged += a.Acknowledged
		sum.DeadLettered += a.DeadLettered
		sum.Spilled += a.Spilled
		sum.Failed += a.Failed
		sum.Uncertain += a.Uncertain
		sum.Replayed += a.Replayed
		sum.Refused += a.Refused
	}
	if told != producers*c.events {
		t.Errorf("%d events were admitted or refused, of %d", told, producers*c.events)
	}
	return sum
}

// spilled counts the records of the spill files, those of events that were
// refused at the door apart, and adds the others to a set.
func (c *scene) spilled(t *testing.T, to *eventSet) (records, atTheDoor uint64) {
	t.Helper()
	for _, p := range c.results {
		if _, err := spill.Scan(p.Spill, func(r spill.Record) error {
			l, err := telemetry.ReadDeadLetter(r.Payload)
			if err != nil || l.Own() {
				return err
			}
			from, sequence, err := sequenced(l.Headers, l.Partition)
			switch {
			case err != nil:
			case from.producer == "":
				atTheDoor++
			default:
				records++
				to.add(from, sequence)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	return records, atTheDoor
}

// letters returns the events of the dead letters' topic, and how many letters
// are of events that were refused at the door. The others it adds to a set too.
func (c *scene) letters(t *testing.T, to *eventSet) (events *eventSet, atTheDoor uint64) {
	t.Helper()
	events = &eventSet{}
	scan(t, kafka.Config{Brokers: c.other}, c.topic+".dead", func(r traces.Record, headers []telemetry.Header) error {
		l, err := telemetry.ParseDeadLetter(time.Unix(0, 0), r.Key, r.Value, headers)
		if err != nil {
			return err
		}
		from, sequence, err := sequenced(l.Headers, l.Partition)
		switch {
		case err != nil:
		case from.producer == "":
			atTheDoor++
		default:
			events.add(from, sequence)
			to.add(from, sequence)
		}
		return err
	})
	return events, atTheDoor
}

// log counts the events of the log, each once, and those that are elsewhere too.
func (c *scene) log(t *testing.T, elsewhere *eventSet) (n, overlap uint64) {
	t.Helper()
	seen := &eventSet{}
	scan(t, c.logs(), c.topic, func(r traces.Record, headers []telemetry.Header) error {
		if len(r.Key) == 0 { // the producer's own
			return nil
		}
		from, sequence, err := sequenced(headers, r.Partition)
		if err == nil && seen.add(from, sequence) && elsewhere.has(from, sequence) {
			overlap++
		}
		return err
	})
	return seen.n, overlap
}

// audit expects that the audit finds nothing missing, however much was given up.
func (c *scene) audit(t *testing.T) audit.Totals {
	t.Helper()
	totals := auditTopic(t, c.logs(), c.topic).Totals
	if totals.Gap != 0 || totals.Unreadable != 0 || totals.Unclean != 0 {
		t.Errorf("the audit says %+v", totals)
	}
	return totals
}

// identity tells an event from all others.
func identity(headers []telemetry.Header, partition int) string {
	from, sequence, err := sequenced(headers, partition)
	if err != nil || from.producer == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d/%d", from.producer, from.partition, sequence)
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
