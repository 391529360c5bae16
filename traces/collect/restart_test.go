package collect_test

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/kafka"
	"github.com/cohort-rl/cohort/traces/threads"
)

// restarted is a log whose broker is stopped and started again in the middle.
type restarted struct {
	*kafka.Log
	once    *sync.Once
	restart func()
}

func (r restarted) FetchOn(ctx context.Context, topic string, partition int, offset int64, maxBytes int) ([]traces.Record, int64, error) {
	if offset > 0 {
		r.once.Do(r.restart)
	}
	return r.Log.FetchOn(ctx, topic, partition, offset, 1) // a batch at a time
}

func TestBrokerThatRestartsInTheMiddleCostsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(port int) *embedded.Kafka {
		k, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Dir: dir, Port: port})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	broker := start(0)
	defer func() { _ = broker.Close() }()
	_, text, err := net.SplitHostPort(broker.Addr())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	log, err := kafka.Open(kafka.Config{Brokers: []string{broker.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Create(t.Context(), "topic", 3, 0); err != nil {
		t.Fatal(err)
	}
	for n, f := range thread(t, "a", 60) {
		if err := log.Write(t.Context(), "topic", n%3, []traces.Record{{Value: f}}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stopped := false
	source := collect.Topic{Name: "topic", Log: restarted{log, &sync.Once{}, func() {
		stopped = true
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
		broker = start(port)
	}}}
	found, report := collected(t, ctx, options(t), source)
	if !stopped || !report.Whole() || len(found) != 1 || found[0].State != threads.Complete || report.Tally.Events != 60 {
		t.Errorf("stopped %v: %v of %d events, %v", stopped, states(found), report.Tally.Events, report.Unread)
	}
}
