package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
	"github.com/cohort-rl/cohort/traces/otlp"
)

const topic = "otlp_spans"

// cluster is a Kafka in the process and a log on it.
func cluster(t *testing.T) (*kfake.Cluster, *kafka.Log) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	log, err := kafka.Open(kafka.Config{Brokers: c.ListenAddrs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return c, log
}

func writer(t *testing.T, log *kafka.Log) *kafka.Writer {
	t.Helper()
	w := log.Writer(kafka.WriterConfig{Topic: topic, Partitions: 4, Batch: 1_000_000})
	t.Cleanup(w.Close)
	return w
}

// stored are the spans in the topic, and the partition of each trace.
func stored(t *testing.T, log *kafka.Log) map[otlp.TraceID]map[otlp.SpanID]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	bounds, err := log.Bounds(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	all, place := map[otlp.TraceID]map[otlp.SpanID]bool{}, map[otlp.TraceID]int{}
	for p, b := range bounds {
		err := (traces.Topic{Log: log, Name: topic}).Scan(ctx, p, b.First, b.End, func(r traces.Record) error {
			request, err := otlp.Decode(r.Value, otlp.DefaultLimits())
			for _, s := range request.Spans {
				if at, ok := place[s.Trace]; ok && at != p {
					t.Errorf("trace %v is in the partitions %d and %d", s.Trace, at, p)
				}
				place[s.Trace] = p
				if all[s.Trace] == nil {
					all[s.Trace] = map[otlp.SpanID]bool{}
				}
				all[s.Trace][s.ID] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestManyClientsAtOnceLoseNothing has 64 of them share one Kafka; each trace
// stays in one partition.
func TestManyClientsAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	var batches atomic.Int64
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		batches.Add(1)
		return nil, nil, false
	})
	url, told := serve(t, writer(t, log), func(c *receiver.Config) { c.Limits.Acknowledge = deadline })
	const clients, each, traces = 64, 5, 3
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for n := range each {
				// Traces go on in the next request.
				body := spansOf(t, client*10+n/2, traces, n+1, 50)
				if r := post(t, url+"/v1/traces", body); r.status != http.StatusOK {
					t.Errorf("status %d: %s", r.status, r.body)
				}
			}
		})
	}
	all.Wait()
	found := stored(t, log)
	for client := range clients {
		for n := range each {
			for k := range traces {
				id := otlp.TraceID(fmt.Appendf(nil, "%016d", client*10+n/2+k))
				if len(found[id]) < n+1 {
					t.Errorf("trace %s has %d spans, at least %d were acknowledged", id, len(found[id]), n+1)
				}
			}
		}
	}
	if told.began != clients*each || told.answered != told.began || told.acknowledged != told.began {
		t.Errorf("%d began, %d were answered, %d acknowledged", told.began, told.answered, told.acknowledged)
	}
	if n := batches.Load(); n >= clients*each*traces {
		t.Errorf("%d batches for %d messages: none were joined", n, clients*each*traces)
	}
}

// TestKafkaThatStopsInTheMiddleCostsNothingThatWasAcknowledged stops the answers
// of Kafka while clients send, and then lets it go on.
func TestKafkaThatStopsInTheMiddleCostsNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	c, log := cluster(t)
	var away atomic.Bool
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if away.Load() {
			return nil, fmt.Errorf("away"), true // hangs up
		}
		return nil, nil, false
	})
	const acknowledge = time.Second
	url, told := serve(t, writer(t, log), func(c *receiver.Config) { c.Limits.Acknowledge = acknowledge })
	var mu sync.Mutex
	acknowledged := map[int]bool{}
	send := func(trace int) int {
		r := post(t, url+"/v1/traces", spansOf(t, trace, 1, 2, 50))
		mu.Lock()
		defer mu.Unlock()
		acknowledged[trace] = r.status == http.StatusOK
		if r.status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "" {
			t.Error("it is not said when to come again")
		}
		return r.status
	}
	round := func(first int) map[int]int {
		statuses := map[int]int{}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				status := send(first + i)
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
			})
		}
		all.Wait()
		return statuses
	}
	until := time.Now().Add(deadline)
	comeAgain := func(trace int) {
		for ; send(trace) != http.StatusOK; trace++ {
			if time.Now().After(until) {
				t.Fatal("it does not go on")
			}
		}
	}
	comeAgain(1)
	round(100)
	away.Store(true)
	if got := round(200); got[503] != 8 {
		t.Errorf("while Kafka is away: %v", got)
	}
	away.Store(false)
	comeAgain(300)
	round(1000)
	found := stored(t, log)
	for trace, ok := range acknowledged {
		if id := otlp.TraceID(fmt.Appendf(nil, "%016d", trace)); ok && len(found[id]) != 2 {
			t.Errorf("trace %d was acknowledged, and %d of its spans are there", trace, len(found[id]))
		}
	}
	if told.accepted < 2*2 {
		t.Errorf("%d spans were counted", told.accepted)
	}
}
