package training_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// topic is the whole log of a job, read anew.
type topic struct {
	bounds  []traces.Bounds
	records [][]traces.Record // by partition, the first at its First
	codec   *telemetry.Codec
}

// readTopic starts a broker on the log that a demo left, reads the topic and
// stops the broker.
func readTopic(t *testing.T, dir, name string) topic {
	t.Helper()
	ctx := trained.Within(t, time.Minute)
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	log, err := kafka.Open(kafka.Config{Brokers: []string{broker.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var all topic
	if all.codec, err = telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None); err != nil {
		t.Fatal(err)
	}
	if all.bounds, err = log.Bounds(ctx, name); err != nil {
		t.Fatal(err)
	}
	all.records = make([][]traces.Record, len(all.bounds))
	for partition, b := range all.bounds {
		err := traces.Topic{Log: log, Codec: all.codec, Name: name}.Scan(ctx, partition, b.First, b.End, func(r traces.Record) error {
			all.records[partition] = append(all.records[partition], r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// marked fails unless the marker of the record lies where it says.
func (k topic) marked(t *testing.T, m job.Mark) {
	t.Helper()
	b := k.bounds[m.Partition]
	if m.Offset < b.First || m.Offset >= b.End {
		t.Fatalf("marker %+v lies outside of the log's %+v", m, b)
	}
	e, err := k.codec.Decode(k.records[m.Partition][m.Offset-b.First].Value)
	if marker, ok := e.Body.(telemetry.Marker); err != nil || !ok || marker.Nonce != m.Nonce {
		t.Errorf("at the place of marker %+v lies %+v, error %v", m, e, err)
	}
}

// threads are the events between the markers of a collection, by thread, and
// the number of records there.
func (k topic) threads(t *testing.T, ranges []job.Range) (threads map[string][]telemetry.Event, records int64) {
	t.Helper()
	threads = map[string][]telemetry.Event{}
	for partition, r := range ranges {
		k.marked(t, r.Opening)
		k.marked(t, r.Closing)
		first := k.bounds[partition].First
		for _, record := range k.records[partition][r.Opening.Offset+1-first : r.Closing.Offset-first] {
			records++
			if e, err := k.codec.Decode(record.Value); err == nil && e.Thread == string(record.Key) {
				threads[e.Thread] = append(threads[e.Thread], e)
			}
		}
	}
	return threads, records
}

func TestEveryUsedEventWasReadFromKafka(t *testing.T) {
	t.Parallel()
	dir, _, j := finishedDemo(t)
	log := readTopic(t, dir+"/kafka", j.Entries[0].Begin.Topic)
	for _, e := range j.Commits() {
		for _, c := range j.Units(t, e) {
			threads, inRange := log.threads(t, c.Ranges.Ranges)
			var counts job.Counts
			for _, r := range c.Collects {
				counts.Records += r.Counts.Records
				counts.Events += r.Counts.Events
			}
			if counts.Records != inRange {
				t.Errorf("step %d: %d records were read, %d lie in the ranges", c.Plan.Unit.Step, counts.Records, inRange)
			}
			var events int64
			for _, o := range c.Outcomes() {
				events += int64(o.Events)
				inKafka(t, c.Plan, o, threads)
			}
			if counts.Events != events {
				t.Errorf("step %d: %d events were read, the outcomes name %d", c.Plan.Unit.Step, counts.Events, events)
			}
		}
	}
}

// inKafka makes the sample of an outcome again, from the log alone.
func inKafka(t *testing.T, p *job.Plan, o job.Outcome, threads map[string][]telemetry.Event) {
	t.Helper()
	thread := p.Unit.ThreadID(o.Group, o.Rollout, o.Nonce)
	trace := traces.Trace{Group: o.Group, Rollout: o.Rollout, Task: p.Tasks[o.Group-p.First], Thread: thread}
	var reward float64
	seen := map[uint64]bool{}
	for _, e := range threads[thread] {
		if seen[e.Index] {
			continue // a repetition
		}
		seen[e.Index] = true
		switch b := e.Body.(type) {
		case telemetry.Decision:
			trace.Decisions = append(trace.Decisions, b)
		case telemetry.Reward:
			reward = b.Value
		}
	}
	slices.SortFunc(trace.Decisions, func(a, b telemetry.Decision) int { return cmp.Compare(a.Number, b.Number) })
	if len(seen) != o.Events {
		t.Errorf("thread %s has %d events in the log, used were %d", thread, len(seen), o.Events)
	}
	if o.Reward == nil {
		return
	}
	s := batch.FromTrace(&trace, reward, blob.Digest(p.Policy.Weights))
	if got := s.Digest(); got != o.Sample {
		t.Errorf("thread %s gives the sample %s, used was %s", thread, got, o.Sample)
	}
}
