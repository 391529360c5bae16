package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

// T1: all headers of an event are on its dead letter, on another cluster.
func TestDeadLettersOnAnotherClusterKeepAllHeaders(t *testing.T) {
	t.Parallel()
	var clock years
	b, other := startBroker(t, 1), startBroker(t, 1)
	down := b.outage()
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Tenant, c.Now = "acme", clock.now
		c.DeadLetters = &telemetry.DeadLetters{Brokers: other.ListenAddrs()}
	})
	admit(t, p, "t", 0, 3)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	trace := telemetry.Trace{Parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", State: "vendor=1", Baggage: "user=7"}
	if err := p.Admit(telemetry.WithTrace(t.Context(), trace), reward("t", 3)); err != nil {
		t.Fatal(err)
	}
	clock.jump()
	if a := undelivered(t, p); a.DeadLettered != 1 || a.Acknowledged != 3 || a.Failed != 0 {
		t.Errorf("accounts are %+v", a)
	}
	down.Store(false)
	admit(t, p, "t", 4, 6)
	mustClose(t, p)

	letters := other.letters(t, topic+".dead")
	if len(letters) != 1 {
		t.Fatalf("%d dead letters", len(letters))
	}
	l := letters[0]
	var headers []string
	for _, h := range l.Headers {
		headers = append(headers, h.Key+"="+string(h.Value))
	}
	want := "traceparent=" + trace.Parent + " tracestate=vendor=1 baggage=user=7 tenant=acme schema=cohort.telemetry.v1.Event producer=" +
		p.Instance() + " sequence=3 content-type=application/vnd.cohort.frame"
	if got := strings.Join(headers, " "); got != want {
		t.Errorf("headers are\n%s\nwant\n%s", got, want)
	}
	event, err := newCodec(t, telemetry.DefaultLimits(), telemetry.None).Decode(l.Frame)
	if err != nil || event.Index != 3 || l.Key != "t" || l.Class != telemetry.Expired || l.Topic != topic || l.Partition != 0 ||
		l.Reason == "" || l.Producer != p.Instance() || l.Died.IsZero() || !l.Time.Equal(noon().Truncate(time.Millisecond)) {
		t.Errorf("the letter is %+v of %+v, %v", l, event, err)
	}
	events, streams := b.accepted(t)
	if n := dead(t, streams); n != 1 || len(events["t"]) != 5 {
		t.Errorf("%d sequences are dead, %d events there", n, len(events["t"]))
	}
}

// What is given up one after the other is one tombstone, however long it takes
// and however many events go: nothing of them stays in the queue.
func TestTombstonesOfAnOutageAreOneAndLeaveNoGap(t *testing.T) {
	t.Parallel()
	var clock years
	b := startBroker(t, 1)
	down := b.outage()
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Now, c.QueueEvents, c.BatchEvents = clock.now, 4, 3
	})
	admit(t, p, "t", 0, 2)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	ctx := deadline(t, 20*time.Second)
	for i := uint64(2); i < 40; i++ { // ten times what the queue takes
		if err := p.Admit(ctx, reward("t", i)); err != nil {
			t.Fatal(err)
		}
		clock.jump()
		balanced(t, p)
	}
	if a := undelivered(t, p); a.Failed != 38 || a.Queued != 0 {
		t.Errorf("accounts are %+v", a)
	}
	down.Store(false)
	admit(t, p, "t", 40, 42)
	if a := mustClose(t, p); a.Acknowledged != 4 || a.Failed != 38 {
		t.Errorf("accounts are %+v", a)
	}
	var stones []telemetry.Tombstone
	for _, m := range b.readAll(t)[0] {
		if stone, ok := m.event.Body.(telemetry.Tombstone); ok {
			stones = append(stones, stone)
			if m.origin.Sequence != stone.First+stone.Count-1 || m.origin.Producer != p.Instance() {
				t.Errorf("tombstone %+v is under %+v", stone, m.origin)
			}
		}
	}
	if len(stones) != 1 || stones[0].First != 2 || stones[0].Count != 38 || !strings.HasPrefix(stones[0].Reason, "expired: ") {
		t.Errorf("tombstones are %+v", stones)
	}
	if _, streams := b.accepted(t); dead(t, streams) != 38 {
		t.Errorf("streams are %+v", streams)
	}
}

// refusing is a limiter that refuses every second event.
type refusing struct{ asked int }

var errRate = errors.New("over the rate")

func (r *refusing) Allow(_ context.Context, tenant string, n int) error {
	if r.asked += n; r.asked%2 == 0 {
		return fmt.Errorf("%s: %w", tenant, errRate)
	}
	return nil
}

func TestEventsRefusedAtTheDoorBecomeDeadLettersAndTellTheCaller(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Tenant, c.Limiter = "acme", &refusing{}
		c.DeadLetters = &telemetry.DeadLetters{Topic: "refused"}
	})
	admit(t, p, "t", 0, 1)
	if err := p.Admit(t.Context(), reward("t", 1)); !errors.Is(err, errRate) {
		t.Errorf("Admit says %v, want the limiter's refusal", err)
	}
	large := reward("t", 1)
	large.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 950_000)}
	if _, ok := errors.AsType[*telemetry.PayloadTooLarge](p.Admit(t.Context(), large)); !ok {
		t.Error("Admit does not say that the event is too large")
	}
	large.Body = telemetry.ToolCall{Tool: "cat", Output: make([]byte, 9<<20)}
	if _, ok := errors.AsType[*telemetry.PayloadTooLarge](p.Admit(t.Context(), large)); !ok {
		t.Error("Admit does not say that the event is too large")
	}
	admit(t, p, "t", 1, 2)
	a := mustClose(t, p)
	want := telemetry.Accounts{Admitted: 4, Acknowledged: 2, DeadLettered: 2, Refused: 3, Discarded: 1}
	if a != want {
		t.Errorf("accounts are %+v, want %+v", a, want)
	}
	letters := b.letters(t, "refused")
	if len(letters) != 2 || letters[0].Class != telemetry.Limited || letters[1].Class != telemetry.Oversize {
		t.Fatalf("letters are %+v", letters)
	}
	if !strings.Contains(letters[0].Reason, "over the rate") || letters[0].Replayable() || letters[0].Topic != topic {
		t.Errorf("a letter is %+v", letters[0])
	}
	if events, streams := b.accepted(t); len(events["t"]) != 2 || dead(t, streams) != 0 {
		t.Errorf("events are %+v", events)
	}
}

// Without dead letters the caller is told, and nothing is admitted.
func TestLimiterFailsClosedWithoutDeadLetters(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) { c.Limiter = &refusing{asked: 1} })
	if err := p.Admit(t.Context(), reward("t", 0)); !errors.Is(err, errRate) {
		t.Errorf("Admit says %v", err)
	}
	if a := mustClose(t, p); a != (telemetry.Accounts{Refused: 1, Discarded: 1}) {
		t.Errorf("accounts are %+v", a)
	}
}

func TestSecretsAreTakenOutOfDeadLetters(t *testing.T) {
	t.Parallel()
	var clock years
	b, other := startBroker(t, 1), startBroker(t, 1)
	down := b.outage()
	down.Store(true)
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Now = clock.now
		c.DeadLetters = &telemetry.DeadLetters{Brokers: other.ListenAddrs()}
	})
	ctx := telemetry.WithTrace(t.Context(), telemetry.Trace{Baggage: "user=7,auth-token=hunter2"})
	e := reward("t", 0)
	e.Attributes = []telemetry.Attribute{
		{Key: "openai.apiKey", Value: "hunter2"},
		{Key: "Authorization", Value: "Bearer hunter2"},
		{Key: "http.cookie", Value: "hunter2"},
		{Key: "prompt_tokens", Value: "12"},
		{Key: "city", Value: "Bern"},
	}
	e.Body = telemetry.Error{
		Class: "E", Message: `GET /x?token=hunter2&n=1: Authorization: Bearer hunter2`,
		Causes: []telemetry.Cause{{Class: "C", Message: `{"password":"hunter2"}`}},
	}
	if err := p.Admit(ctx, e); err != nil {
		t.Fatal(err)
	}
	clock.jump()
	undelivered(t, p)
	down.Store(false)
	mustClose(t, p)
	letters := other.letters(t, topic+".dead")
	if len(letters) != 1 || letters[0].Redacted != 6 {
		t.Fatalf("letters are %+v", letters)
	}
	event, err := newCodec(t, telemetry.DefaultLimits(), telemetry.None).Decode(letters[0].Frame)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%+v %s", event, letters[0].Headers); strings.Contains(text, "hunter2") ||
		!strings.Contains(text, "Key:city Value:Bern") || !strings.Contains(text, "Key:prompt_tokens Value:12") || !strings.Contains(text, "n=1") {
		t.Errorf("the letter is %s", text)
	}
	e.Clock, e.ClockFlags = event.Clock, event.ClockFlags // the producer's doing
	if !telemetry.Alike(e, event) || !telemetry.Alike(event, e) {
		t.Error("the event and its letter are not alike")
	}
	event.Index++
	if telemetry.Alike(e, event) {
		t.Error("another event is alike")
	}
}
