//go:build services

package integration_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// producers is how many record at once through a fault.
const producers = 8

// fault is something that happens to a broker while producers record.
type fault struct {
	name    string
	config  func(*telemetry.Config)
	topic   []kafkago.ConfigEntry
	large   int // every so manieth event is of 30 KB; 0 is none
	begin   func(t *testing.T, s stage)
	end     func(t *testing.T, s stage) // after it lasted; nil for nothing
	lasts   time.Duration
	deleted bool // the log is gone, so nothing can be looked up in it
}

// stage is where a fault happens: a Kafka of its own, and another one for the
// dead letters.
type stage struct {
	folder  folder
	brokers []string
	other   []string
	topic   string
}

// pid is the process of a stage's Kafka.
func (s stage) pid(t *testing.T) int {
	t.Helper()
	record, err := os.ReadFile(filepath.Join(string(s.folder), "kafka", "pid"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(record), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func (s stage) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(s.pid(t), signal); err != nil {
		t.Fatal(err)
	}
}

// client speaks to the stage's Kafka.
func (s stage) client(t *testing.T) *kafkago.Client {
	t.Helper()
	transport := &kafkago.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafkago.Client{Addr: kafkago.TCP(s.brokers...), Transport: transport, Timeout: 30 * time.Second}
}

// faults are those of a real broker.
func faults(lasts time.Duration) []fault {
	stop := func(t *testing.T, s stage) { t.Helper(); s.signal(t, syscall.SIGSTOP) }
	goOn := func(t *testing.T, s stage) { t.Helper(); s.signal(t, syscall.SIGCONT) }
	return []fault{
		{name: "stopped", lasts: lasts, begin: stop, end: goOn},
		{
			name: "stopped beyond the budget", lasts: max(lasts, 4*time.Second), begin: stop, end: goOn,
			config: func(c *telemetry.Config) { c.Budget, c.RequestTimeout = time.Second, time.Second },
		},
		{
			name: "killed and restarted", lasts: 0,
			begin: func(t *testing.T, s stage) { t.Helper(); s.signal(t, syscall.SIGKILL) },
			end:   func(t *testing.T, s stage) { t.Helper(); s.folder.run(t, "up", "kafka") },
		},
		{
			name: "too large for the broker", large: 100, begin: func(*testing.T, stage) {},
			topic: []kafkago.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: "20000"}},
		},
		{
			name: "both away, and the spill file is small", lasts: max(lasts/10, 4*time.Second), begin: stop, end: goOn,
			config: func(c *telemetry.Config) {
				c.Budget, c.RequestTimeout, c.QueueEvents = time.Second, time.Second, 2000
				c.Limits = telemetry.DefaultLimits()
				c.Limits.EventBytes, c.Limits.FrameBytes = 1<<10, 1<<10+20
				c.DeadLetters.Brokers = []string{"127.0.0.1:1"}
				c.DeadLetters.Patience, c.DeadLetters.QueueEvents = time.Nanosecond, 500
				c.DeadLetters.LetterBytes, c.DeadLetters.SpillBytes = c.Limits.FrameBytes, 300_000
			},
		},
		{
			name: "topic deleted", deleted: true,
			begin: func(t *testing.T, s stage) {
				t.Helper()
				r, err := s.client(t).DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{s.topic}})
				if err == nil {
					err = r.Errors[s.topic]
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			config: func(c *telemetry.Config) { c.Budget = 2 * time.Second },
		},
	}
}

// Whatever happens to the broker, every event has one end, the log holds what
// was acknowledged and nothing else, and what is elsewhere as well was counted
// as uncertain.
func TestAccountsAddUpThroughFaultsOfKafka(t *testing.T) {
	t.Parallel()
	f := own(t)
	f.run(t, "up", "kafka")
	s := stage{
		folder: f, brokers: []string{readEnvironment(t, filepath.Join(string(f), "env"))["COHORT_KAFKA"]},
		other: []string{realServices(t)["COHORT_KAFKA"]},
	}
	events, lasts := uint64(number("events")), time.Duration(number("outage"))*time.Second
	for _, fault := range faults(lasts) {
		t.Run(fault.name, func(t *testing.T) {
			s := s
			s.topic = "faults-" + uuid.NewString()
			s.play(t, fault, events)
		})
	}
}

// played is what became of the events of one producer.
type played struct {
	admitted uint64
	accounts telemetry.Accounts
	spill    string
}

// play lets producers record through a fault, and checks what is left.
func (s stage) play(t *testing.T, fault fault, events uint64) {
	t.Helper()
	r, err := s.client(t).CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{
		{Topic: s.topic, NumPartitions: 4, ReplicationFactor: 1, ConfigEntries: fault.topic},
	}})
	if err == nil {
		err = r.Errors[s.topic]
	}
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var ready, writers sync.WaitGroup
	ready.Add(producers)
	begun := make(chan struct{})
	all := make([]played, producers)
	for n := range all {
		all[n].spill = filepath.Join(dir, fmt.Sprint(n))
		writers.Go(func() { all[n].record(t, s, fault, n, events, ready.Done, begun) })
	}
	ready.Wait()
	fault.begin(t, s)
	close(begun)
	lasted := time.NewTimer(fault.lasts)
	defer lasted.Stop()
	select {
	case <-lasted.C:
	case <-t.Context().Done():
	}
	if fault.end != nil {
		fault.end(t, s)
	}
	writers.Wait()
	s.check(t, fault, all, events)
}

// record is one producer's part: a fifth before the fault, the rest through it.
func (p *played) record(t *testing.T, s stage, fault fault, n int, events uint64, ready func(), begun <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(events)*time.Millisecond)
	defer cancel()
	config := telemetry.Config{
		Brokers: s.brokers, Topic: s.topic,
		DeadLetters: &telemetry.DeadLetters{Brokers: s.other, Spill: p.spill, Partitions: 2},
	}
	if fault.config != nil {
		fault.config(&config)
	}
	producer, err := telemetry.NewProducer(config)
	if err != nil {
		t.Error(err)
		ready()
		return
	}
	for i := range events {
		if i == events/5 {
			if _, err := producer.Flush(ctx); err != nil && fault.large == 0 {
				t.Error(err)
			}
			ready()
			<-begun
		}
		body := telemetry.Body(telemetry.ToolCall{Tool: "x", Output: make([]byte, 200)})
		if fault.large > 0 && i%uint64(fault.large) == 7 {
			body = telemetry.ToolCall{Tool: "x", Output: make([]byte, 30_000)}
		}
		// Keys of one thread each hundred events, so that all partitions have some.
		e := telemetry.Event{Thread: fmt.Sprintf("%d/%d", n, i/100), Index: i % 100, Time: time.Now(), Name: "x", Body: body}
		if err := producer.Admit(ctx, e); err != nil {
			t.Error(err)
			break
		}
		p.admitted++
		if a := producer.Accounts(); !a.Balanced() {
			t.Errorf("accounts do not add up: %+v", a)
		}
	}
	if _, err := producer.Flush(ctx); err != nil && !errors.Is(err, telemetry.ErrUndelivered) {
		t.Error(err)
	}
	short, stop := context.WithTimeout(ctx, time.Minute)
	if fault.deleted { // nothing will take the tombstones
		stop()
		short, stop = context.WithTimeout(ctx, time.Second)
	}
	defer stop()
	if p.accounts, err = producer.Close(short); err != nil && !errors.Is(err, telemetry.ErrUndelivered) {
		t.Error(err)
	}
}

// check reads log, dead letters and spill files and holds them against what the
// producers say.
func (s stage) check(t *testing.T, fault fault, all []played, events uint64) {
	t.Helper()
	var sum telemetry.Accounts
	var admitted uint64
	for _, p := range all {
		a := p.accounts
		admitted += p.admitted
		if !a.Balanced() || a.Queued != 0 || a.Admitted != p.admitted {
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
	for _, p := range all {
		if _, err := spill.Scan(p.spill, func(r spill.Record) error {
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
	letters := s.letters(t, elsewhere)
	if letters < sum.DeadLettered {
		t.Errorf("%d dead letters, accounts say %d", letters, sum.DeadLettered)
	}
	here, overlap, report := uint64(0), uint64(0), &audit.Report{}
	if !fault.deleted {
		here, overlap = s.log(t, elsewhere)
		report = s.audit(t)
		if here < sum.Acknowledged || here > admitted || here-sum.Acknowledged > sum.Uncertain || overlap > sum.Uncertain {
			t.Errorf("the log has %d events, %d of them elsewhere too; accounts are %+v", here, overlap, sum)
		}
		if report.Totals.Gap != 0 || report.Totals.Unreadable != 0 || report.Totals.Unclean != 0 {
			t.Errorf("the audit says %+v", report.Totals)
		}
	}
	t.Logf("%-40s admitted %d = acknowledged %d + dead-lettered %d + spilled %d + failed %d; uncertain %d, replayed %d; log %d, also elsewhere %d, duplicates %d, gap %d, under tombstones %d",
		fault.name, sum.Admitted, sum.Acknowledged, sum.DeadLettered, sum.Spilled, sum.Failed, sum.Uncertain, sum.Replayed,
		here, overlap, report.Totals.Duplicates, report.Totals.Gap, report.Totals.DeadLettered)
	if admitted != producers*events {
		t.Errorf("%d events were admitted, of %d", admitted, producers*events)
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
func scan(t *testing.T, brokers []string, topic string, take func(traces.Record, []telemetry.Header) error) {
	t.Helper()
	log, err := kafka.Open(kafka.Config{Brokers: brokers})
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
func (s stage) letters(t *testing.T, elsewhere map[string]bool) (n uint64) {
	t.Helper()
	seen := map[string]bool{}
	scan(t, s.other, s.topic+".dead", func(r traces.Record, headers []telemetry.Header) error {
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
func (s stage) log(t *testing.T, elsewhere map[string]bool) (n, overlap uint64) {
	t.Helper()
	seen := map[string]bool{}
	scan(t, s.brokers, s.topic, func(r traces.Record, headers []telemetry.Header) error {
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

func (s stage) audit(t *testing.T) *audit.Report {
	t.Helper()
	log, err := kafka.Open(kafka.Config{Brokers: s.brokers})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Audit(t.Context(), traces.Topic{Log: log, Codec: codec, Name: s.topic}, telemetry.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return report
}
