package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

// T1: every header arrives, with the trace the caller had at admission.
func TestAllHeadersArriveWithTheContextOfAdmission(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) { c.Tenant = "acme" })
	in := http.Header{}
	in.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	in.Set("tracestate", "vendor=1")
	in.Set("baggage", "user=7")
	ctx, cancel := context.WithCancel(telemetry.WithTrace(t.Context(), telemetry.TraceFromHTTP(in)))
	if err := p.Admit(ctx, reward("t", 0)); err != nil {
		t.Fatal(err)
	}
	cancel() // what happens to the context later changes nothing
	if err := p.Admit(t.Context(), reward("t", 1)); err != nil {
		t.Fatal(err)
	}
	mustClose(t, p)
	var got []string
	for _, m := range b.readAll(t)[0] {
		var headers []string
		for _, h := range m.headers {
			headers = append(headers, h.Key+"="+string(h.Value))
		}
		got = append(got, strings.Join(headers, " "))
	}
	own := "tenant=acme schema=cohort.telemetry.v1.Event producer=" + p.Instance() + " sequence=%d content-type=application/vnd.cohort.frame"
	want := []string{
		"traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 tracestate=vendor=1 baggage=user=7 " + fmt.Sprintf(own, 0),
		fmt.Sprintf(own, 1),
		fmt.Sprintf(own, 2), // the final record
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("headers are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEventsKeepTheirOrderAndEachPartitionEndsWithAFinal(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 4)
	p := b.newProducer(t, func(c *telemetry.Config) { c.BatchEvents = 7 })
	const threads, events = 32, 25
	admitThreads(t, p, threads, events)
	accounts := mustClose(t, p)
	if want := (telemetry.Accounts{Admitted: threads * events, Acknowledged: threads * events}); accounts != want {
		t.Errorf("accounts are %+v, want %+v", accounts, want)
	}
	checkLog(t, b, p, threads*events)
}

func admitThreads(t *testing.T, p *telemetry.Producer, threads, events int) {
	t.Helper()
	var writers sync.WaitGroup
	for n := range threads {
		writers.Go(func() {
			for i := range events {
				if err := p.Admit(t.Context(), reward(fmt.Sprintf("thread-%d", n), uint64(i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
}

// checkLog reads everything back: without duplicates there are want events,
// each thread in order in the partition of its key, sequences without a gap,
// a Final as the last word of each partition. It returns the duplicates.
func checkLog(t *testing.T, b *broker, p *telemetry.Producer, want int) (duplicates int) {
	t.Helper()
	var marks telemetry.Watermarks
	next := make(map[string]uint64)
	events := 0
	for number, messages := range b.readAll(t) {
		var fresh []message
		for _, m := range messages {
			if marks.Observe(m.origin.Producer, number, m.origin.Sequence, m.offset) {
				fresh = append(fresh, m)
			}
		}
		for i, m := range fresh {
			if m.origin.Sequence != uint64(i) {
				t.Errorf("partition %d: sequence %d is in place %d", number, m.origin.Sequence, i)
			}
			if final, ok := m.event.Body.(telemetry.Final); ok {
				if i != len(fresh)-1 || final.Sequences != uint64(i) {
					t.Errorf("partition %d: %+v in place %d of %d", number, final, i, len(fresh))
				}
				continue
			}
			events++
			if m.event.Thread != m.key || m.event.Index != next[m.key] {
				t.Errorf("thread %s: index %d under key %s, want %d", m.event.Thread, m.event.Index, m.key, next[m.key])
			}
			next[m.key]++
			if balanced := (kafka.Murmur2Balancer{}).Balance(kafka.Message{Key: []byte(m.key)}, numbers(b.partitions)...); balanced != number {
				t.Errorf("key %s is in partition %d, Java would put it into %d", m.key, number, balanced)
			}
		}
	}
	for _, s := range marks.Streams() {
		duplicates += int(s.Duplicates)
		if s.Producer != p.Instance() || s.First != 0 || len(s.Gaps) != 0 {
			t.Errorf("stream %+v of producer %s has a hole", s, p.Instance())
		}
	}
	if events != want {
		t.Errorf("the log has %d events, want %d", events, want)
	}
	return duplicates
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// Whatever the broker does, the accounts add up, the log holds what was
// acknowledged, in order, and lost answers show as duplicates and uncertain.
func TestAccountsAddUpThroughBrokerFaults(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		fault     func(b *broker)
		uncertain bool // an answer is lost
		twice     bool // after the broker appended
	}{
		"leader moved": {fault: func(b *broker) {
			b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotLeaderForPartition, Count: 3})
		}},
		"partition moves to the other broker": {fault: func(b *broker) {
			for p := range int32(b.partitions) {
				if err := b.MoveTopicPartition(topic, p, 1-b.LeaderFor(topic, p)); err != nil {
					panic(err)
				}
			}
		}},
		"too few replicas": {fault: func(b *broker) {
			b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 2})
		}},
		"timed out after append": {uncertain: true, twice: true, fault: func(b *broker) {
			b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 2})
		}},
		"connection lost before append": {uncertain: true, fault: func(b *broker) {
			b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				return nil, errors.New("gone"), true
			})
		}},
		"connection cut after append": {uncertain: true, twice: true, fault: func(b *broker) { b.cut.Store(2) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBroker(t, 2)
			p := b.newProducer(t, nil)
			admitThreads(t, p, 4, 3)
			if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
				t.Fatal(err)
			}
			c.fault(b)
			for i := range 3 {
				for n := range 4 {
					if err := p.Admit(t.Context(), reward(fmt.Sprintf("thread-%d", n), uint64(3+i))); err != nil {
						t.Fatal(err)
					}
				}
				if a := p.Accounts(); !a.Balanced() {
					t.Errorf("accounts do not add up: %+v", a)
				}
			}
			accounts := mustClose(t, p)
			if accounts.Acknowledged != 24 || accounts.Failed != 0 || (accounts.Uncertain > 0) != c.uncertain {
				t.Errorf("accounts are %+v, uncertain wanted: %t", accounts, c.uncertain)
			}
			if duplicates := checkLog(t, b, p, 24); (duplicates > 0) != c.twice || uint64(duplicates) > 2*(accounts.Uncertain+2) { // two finals are in no account
				t.Errorf("%d duplicates with %d uncertain, wanted: %t", duplicates, accounts.Uncertain, c.twice)
			}
		})
	}
}

func TestRefusedEventsFailAndAreReported(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
	thread := telemetry.NewThread(p, "t")
	if err := thread.Start(t.Context(), "task"); err != nil {
		t.Fatal(err)
	}
	summary, err := thread.End(deadline(t, 10*time.Second))
	if !errors.Is(err, telemetry.ErrUndelivered) || !errors.Is(err, kafka.TopicAuthorizationFailed) {
		t.Errorf("End says %v, want ErrUndelivered and why", err)
	}
	if summary.Events != 2 {
		t.Errorf("thread has %d events, want 2", summary.Events)
	}
	accounts, err := p.Flush(deadline(t, 10*time.Second))
	if accounts.Failed == 0 || !errors.Is(err, telemetry.ErrUndelivered) {
		t.Errorf("Flush says %+v, %v, want the failure", accounts, err)
	}
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Errorf("the same failure is reported again: %v", err)
	}
}

// One message that the broker finds too large takes no other with it.
func TestMessageTooLargeForTheBrokerFailsAlone(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "20000"}))
	p := b.newProducer(t, func(c *telemetry.Config) { c.Linger = 50 * time.Millisecond })
	for i := range uint64(8) {
		e := reward("t", i)
		if i == 5 {
			e.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 30000)}
		}
		if err := p.Admit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	accounts, err := p.Flush(deadline(t, 10*time.Second))
	if !errors.Is(err, kafka.MessageSizeTooLarge) {
		t.Errorf("Flush says %v, want the broker's refusal", err)
	}
	if want := (telemetry.Accounts{Admitted: 8, Acknowledged: 7, Failed: 1}); accounts != want {
		t.Errorf("accounts are %+v, want %+v", accounts, want)
	}
}

// hang makes the broker swallow every produce request until the test ends.
func (b *broker) hang() (produced <-chan struct{}) {
	reached := make(chan struct{}, 1)
	b.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		b.KeepControl()
		select {
		case reached <- struct{}{}:
		default:
		}
		return nil, nil, true
	})
	return reached
}

// T2: Close returns by its deadline with everything accounted for.
func TestCloseDuringOutageReturnsByItsDeadline(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	if err := p.Admit(t.Context(), reward("t", 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	produced := b.hang()
	for i := range uint64(3) {
		if err := p.Admit(t.Context(), reward("t", 1+i)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			<-produced // one event is in flight, the others wait behind it
		}
	}
	start := time.Now()
	accounts, err := p.Close(deadline(t, 100*time.Millisecond))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("Close took %s beyond its deadline", took)
	}
	if !errors.Is(err, telemetry.ErrUndelivered) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close says %v, want what was undelivered and why", err)
	}
	if want := (telemetry.Accounts{Admitted: 4, Acknowledged: 1, Failed: 3, Uncertain: 1}); accounts != want {
		t.Errorf("accounts are %+v, want %+v", accounts, want)
	}
	if err := p.Admit(t.Context(), reward("t", 9)); !errors.Is(err, telemetry.ErrClosed) {
		t.Errorf("Admit after Close says %v", err)
	}
	// No connection waits for the silent broker, as it would for 10 s.
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for start := time.Now(); b.open.Load() > 0; <-poll.C {
		if time.Since(start) > 5*time.Second {
			t.Fatalf("%d connections are open after Close", b.open.Load())
		}
	}
}

func TestEventsOutOfBudgetFail(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	p := b.newProducer(t, func(c *telemetry.Config) { c.Budget = 300 * time.Millisecond })
	if err := p.Admit(t.Context(), reward("t", 0)); err != nil {
		t.Fatal(err)
	}
	accounts, err := p.Flush(deadline(t, 10*time.Second))
	if !errors.Is(err, kafka.NotEnoughReplicas) {
		t.Errorf("Flush says %v, want the last error", err)
	}
	if want := (telemetry.Accounts{Admitted: 1, Failed: 1}); accounts != want {
		t.Errorf("accounts are %+v, want %+v", accounts, want)
	}
	if _, err := p.Close(deadline(t, 2*time.Second)); err != nil {
		t.Errorf("a final that cannot be sent is not an undelivered event: %v", err)
	}
}

func TestAdmitNamesATopicThatIsNotThere(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	for name, change := range map[string]func(*telemetry.Config){
		"no such topic": func(c *telemetry.Config) { c.Topic = "nowhere" },
		"no broker":     func(c *telemetry.Config) { c.Brokers = []string{"127.0.0.1:1"} },
	} {
		p := b.newProducer(t, change)
		if err := p.Admit(deadline(t, 100*time.Millisecond), reward("t", 0)); !errors.Is(err, telemetry.ErrNoTopic) {
			t.Errorf("%s: Admit says %v, want ErrNoTopic", name, err)
		}
	}
}

func TestNewProducerRefusesBadConfiguration(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*telemetry.Config){
		"Brokers is empty":       func(c *telemetry.Config) { c.Brokers = nil },
		"Topic is empty":         func(c *telemetry.Config) { c.Topic = "" },
		"QueueBytes is 1000":     func(c *telemetry.Config) { c.QueueBytes = 1000 },
		"must be positive":       func(c *telemetry.Config) { c.BatchEvents = -1 },
		"Headers is 1":           func(c *telemetry.Config) { c.Limits = telemetry.DefaultLimits(); c.Limits.Headers = 1 },
		"WhenFull is 9":          func(c *telemetry.Config) { c.WhenFull = 9 },
		"Tenant leaves no room":  func(c *telemetry.Config) { c.Tenant = strings.Repeat("x", 1<<20) },
		`producer instance "me"`: func(c *telemetry.Config) { c.Instance = "me" },
		"unknown frame":          func(c *telemetry.Config) { c.Compression = 7 },
	} {
		config := telemetry.Config{Brokers: []string{"127.0.0.1:1"}, Topic: topic}
		change(&config)
		if _, err := telemetry.NewProducer(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewProducer says %v, want %q", err, want)
		}
	}
}
