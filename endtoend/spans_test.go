package endtoend_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// span is a span that a collector was sent, and the service that sent it.
type span struct {
	*tracepb.Span
	service string
}

func (s span) id() string     { return hex.EncodeToString(s.SpanId) }
func (s span) parent() string { return hex.EncodeToString(s.ParentSpanId) }
func (s span) trace() string  { return hex.EncodeToString(s.TraceId) }

// attribute is the value of an attribute as text; empty if it has none.
func (s span) attribute(key string) string { return valueOf(s.Attributes, key) }

func valueOf(attributes []*common.KeyValue, key string) string {
	for _, a := range attributes {
		if a.Key != key {
			continue
		}
		if n, ok := a.Value.Value.(*common.AnyValue_IntValue); ok {
			return fmt.Sprint(n.IntValue)
		}
		return a.Value.GetStringValue()
	}
	return ""
}

// receiver is an OTLP/HTTP collector that keeps what it is sent.
type receiver struct {
	url string

	mu     sync.Mutex // guards what follows
	spans  []span
	tokens map[string]bool
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{tokens: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil || request.URL.Path != "/v1/traces" {
			t.Errorf("%s %s: %v", request.Method, request.URL.Path, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tokens[request.Header.Get("X-Token")] = true
		for _, resource := range sent.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					r.spans = append(r.spans, span{s, valueOf(resource.Resource.Attributes, "service.name")})
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func TestSpansAreOneTreePerJobAndAgentsEventsHangOnTheirRollouts(t *testing.T) {
	t.Parallel()
	const secret = "not-to-be-told"
	to := receive(t)
	up := launch(t, "cohort", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + to.url, "OTEL_EXPORTER_OTLP_HEADERS=x-token=" + secret},
		"up", "--dir", t.TempDir(), "--workers", "1", "--listen", "127.0.0.1:0", "--verbose")
	running := systemOf(t, up)
	work := smallJob{agent: startAgent(t, nil).url, steps: 1, tasks: four()[:2]}
	submission := work.submission(t)
	submission.Spec = append(submission.Spec, "eval: {data: held-out.jsonl, tasks: 1}\n"...)
	submission.Data[spec.RoleEval] = []byte("{\"best\": 3}\n")
	submitted, _, err := running.api.Submit(trained.Within(t, time.Minute), submission)
	if err != nil {
		t.Fatal(err)
	}
	id := submitted.ID
	wantDone(t, awaitEnd(t, running.store, id))
	began := trained.Read(t, running.store, id).Entries[0].Begin
	recorded := recordsOf(t, up, began.Topic)
	if err := up.stop(); err != nil { // which sends what waits
		t.Fatal(err)
	}
	if len(to.tokens) != 1 || !to.tokens[secret] || strings.Contains(up.log.String()+up.out.String(), secret) {
		t.Errorf("the collector saw %d tokens, or one was logged", len(to.tokens))
	}

	byID, count := map[string]span{}, map[string]int{}
	for _, s := range to.spans {
		if _, twice := byID[s.id()]; twice {
			t.Errorf("two spans have the id of %q", s.Name)
		}
		byID[s.id()] = s
		count[s.Name]++
	}
	// Who is below whom, and who tells it.
	const coordinator, worker, unit = "cohort-coordinator", "cohort-worker", "step or evaluation"
	below := map[string][2]string{
		"job": {"", coordinator}, "drive": {"job", coordinator}, "step": {"job", coordinator}, "evaluation": {"job", coordinator},
		"read log": {"drive", coordinator}, "prepare": {"drive", coordinator}, "put entry": {"drive", coordinator},
		"finish": {"drive", coordinator}, "retire": {"drive", coordinator},
		"plan": {unit, coordinator}, "open": {unit, coordinator}, "phase rollout": {unit, coordinator}, "ranges": {unit, coordinator},
		"phase collect": {unit, coordinator}, "update": {"step", coordinator}, "result": {"evaluation", coordinator},
		"shard rollout": {unit, worker}, "shard collect": {unit, worker}, "rollout": {"shard rollout", worker},
	}
	for _, s := range to.spans {
		want := below[s.Name]
		got := byID[s.parent()].GetName()
		if want[0] == unit && (got == "evaluation") == (s.attribute("cohort.evaluation") != "") && (got == "step" || got == "evaluation") {
			want[0] = got
		}
		if got != want[0] || s.service != want[1] {
			t.Errorf("%q of %s is below %q, want %q of %s", s.Name, s.service, got, want[0], want[1])
		}
		if s.trace() != to.spans[0].trace() || s.attribute("cohort.job") != string(id) {
			t.Errorf("%q is of another trace or job: %s", s.Name, s.attribute("cohort.job"))
		}
		if s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("%q: status %v, from %d to %d", s.Name, s.Status, s.StartTimeUnixNano, s.EndTimeUnixNano)
		}
	}
	planned := 2*rollouts + 2 // with the two evaluations
	for name, want := range map[string]int{
		"job": 1, "drive": 1, "step": 1, "evaluation": 2, "phase rollout": 3, "shard rollout": 2*rollouts/4 + 2, "shard collect": 3, "rollout": planned,
	} {
		if count[name] != want {
			t.Errorf("%d spans %q, want %d", count[name], name, want)
		}
	}
	wantEventsOnRollouts(t, recorded, byID, 2*planned)
}

// wantEventsOnRollouts checks that every event carries the span of the rollout
// that it is of, and that there are enough.
func wantEventsOnRollouts(t *testing.T, recorded []traces.Record, byID map[string]span, least int) {
	t.Helper()
	events := 0
	for _, r := range recorded {
		if len(r.Key) == 0 {
			continue // a marker
		}
		var headers []telemetry.Header
		for _, h := range r.Headers {
			headers = append(headers, telemetry.Header(h))
		}
		origin, err := telemetry.ParseHeaders(headers, telemetry.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		parent := strings.Split(origin.Trace.Parent, "-")
		if len(parent) != 4 || parent[3] != "01" {
			t.Fatalf("an event of %s has traceparent %q", r.Key, origin.Trace.Parent)
		}
		if s := byID[parent[2]]; s.Span == nil || s.trace() != parent[1] || s.Name != "rollout" || s.attribute("cohort.thread") != string(r.Key) {
			t.Fatalf("an event of %s hangs on %v", r.Key, s)
		}
		events++
	}
	if events < least {
		t.Errorf("%d events", events)
	}
}

// recordsOf reads a topic of a system of one process.
func recordsOf(t *testing.T, up *process, topic string) []traces.Record {
	t.Helper()
	ctx := trained.Within(t, time.Minute)
	said, err := up.out.await(ctx, "Kafka:")
	if err != nil {
		t.Fatal(err)
	}
	log, err := kafka.Open(kafka.Config{Brokers: []string{strings.TrimSpace(strings.TrimPrefix(said, "Kafka:"))}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	bounds, err := log.Bounds(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var all []traces.Record
	for partition, b := range bounds {
		err := traces.Topic{Log: log, Codec: codec, Name: topic}.Scan(ctx, partition, b.First, b.End, func(r traces.Record) error {
			all = append(all, r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
