package otlp_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	collectmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/traces/otlp"
)

func samples() string { return filepath.Join("..", "threads", "testdata", "otlp") }

// TestBothFormsOfARequestAreTheSame decodes each export that is there in
// protobuf and in JSON, and compares everything.
func TestBothFormsOfARequestAreTheSame(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(samples(), "*", "*.json"))
	if err != nil || len(names) != 88 {
		t.Fatalf("%d twins, %v; want 88", len(names), err)
	}
	for _, name := range names {
		var requests [2]otlp.Request
		for i, file := range []string{name, strings.TrimSuffix(name, ".json") + ".pb"} {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if requests[i], err = otlp.Decode(body, otlp.DefaultLimits()); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if i == 0 && requests[0].Format != otlp.TracesJSON && requests[0].Format != otlp.LogsJSON {
				t.Fatalf("%s: recognised as %v", file, requests[0].Format)
			}
			requests[i].Format = 0
		}
		if !reflect.DeepEqual(requests[0], requests[1]) {
			t.Errorf("%s says something else than its twin", name)
		}
	}
}

// TestJSONIsReadAsTheSpecificationSays has what OTLP's JSON does differently, and
// what other writers do.
func TestJSONIsReadAsTheSpecificationSays(t *testing.T) {
	t.Parallel()
	text := `{"unknown":{"traceId":"zz"},"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},
	 "scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"7uGbfsPBsXQ=","parentSpanId":"",
	 "name":"n","kind":3,"startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,"futureField":[1,{"spanId":"no"}],
	 "attributes":[{"key":"traceId","value":{"stringValue":"kept as it is"}},{"key":"i","value":{"intValue":"-9007199254740993"}},{"key":"j","value":{"intValue":7}},
	  {"key":"d","value":{"doubleValue":0.5}},{"key":"b","value":{"boolValue":true}},{"key":"y","value":{"bytesValue":"AQID"}},
	  {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"1"}]}}},
	  {"key":"m","value":{"kvlistValue":{"values":[{"key":"spanId","value":{"stringValue":"deep"}}]}}},{"key":"n","value":{}}],
	 "status":{"code":2,"message":"bad"}}]}]}]}`
	r, err := otlp.Decode([]byte(text), otlp.DefaultLimits())
	if err != nil || len(r.Spans) != 1 || len(r.Refused) != 0 {
		t.Fatalf("%d spans, refused %v, %v", len(r.Spans), r.Refused, err)
	}
	s := r.Spans[0]
	want := otlp.Attributes{
		"traceId": "kept as it is", "i": int64(-9007199254740993), "j": int64(7), "d": 0.5, "b": true, "y": []byte{1, 2, 3},
		"l": []any{"x", int64(1)}, "m": map[string]any{"spanId": "deep"}, "n": nil,
	}
	if !reflect.DeepEqual(s.Attributes, want) {
		t.Errorf("attributes %v, want %v", s.Attributes, want)
	}
	if s.Trace.String() != "5b8efff798038103d269b633813fc60c" || s.ID.String() != "eee19b7ec3c1b174" || s.Parent != (otlp.SpanID{}) {
		t.Errorf("ids %v %v %v", s.Trace, s.ID, s.Parent)
	}
	if !s.Failed || s.Message != "bad" || s.End.Sub(s.Start) != time.Second || s.Origin.Scope != "lib" || s.Origin.Resource["service.name"] != "s" {
		t.Errorf("span %+v of %+v", s, s.Origin)
	}
}

func nested(levels int) []byte {
	v := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "x"}}
	for range levels {
		v = &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{v}}}}
	}
	return request(&tracepb.Span{TraceId: make([]byte, 16), SpanId: make([]byte, 8), Attributes: []*commonpb.KeyValue{{Key: "k", Value: v}}})
}

func request(spans ...*tracepb.Span) []byte {
	body, err := proto.Marshal(&collect.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: spans}}}}})
	if err != nil {
		panic(err)
	}
	return body
}

// TestPoisonIsRefusedWithTheReason has what is no request, or a hostile one.
func TestPoisonIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(filepath.Join(samples(), "otel-openai-v2", "t01-2turn.01.pb"))
	if err != nil {
		t.Fatal(err)
	}
	goodJSON, err := os.ReadFile(filepath.Join(samples(), "otel-openai-v2", "t01-2turn.01.json"))
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(good); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	metrics, err := proto.Marshal(&collectmetrics.ExportMetricsServiceRequest{ResourceMetrics: []*metricspb.ResourceMetrics{{
		ScopeMetrics: []*metricspb.ScopeMetrics{{Metrics: []*metricspb.Metric{{Name: "m", Description: "d"}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	limits := otlp.DefaultLimits()
	limits.Bytes = 1 << 20
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"nothing", nil, "it is empty"},
		{"text", []byte("hello, world"), "neither JSON nor protobuf"},
		{"cut off", good[:len(good)/2], "a field claims"},
		{"100 MB claimed", append([]byte{0x0a}, protowire.AppendVarint(nil, 100<<20)...), "a field claims 104857600 bytes, 0 are there"},
		{"gzip", zipped.Bytes(), "compressed with gzip; unpack it first"},
		{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd, 0}, "compressed with zstd"},
		{"metrics", metrics, "neither a span nor a log record"},
		{"metrics in JSON", []byte(`{"resourceMetrics":[]}`), "metrics"},
		{"another message", []byte{0x12, 0x03, 'a', 'b', 'c'}, "a request has no field 2"},
		{"deep in protobuf", nested(1000), "recursion"},
		{"deep in JSON", []byte(`{"resourceSpans":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`), "nested too deeply"},
		{"very deep JSON", []byte(`{"a":` + strings.Repeat("[", 100_000)), "not OTLP"},
		{"other JSON", []byte(`{"a":1}`), "neither resourceSpans nor resourceLogs"},
		{"a list", []byte(`[{"resourceSpans":[]}]`), "the JSON is a list"},
		{"JSON cut off", goodJSON[:len(goodJSON)/2], "damaged OTLP traces in JSON"},
		{"a wrong type", []byte(`{"resourceSpans":[{"scopeSpans":7}]}`), "damaged OTLP traces in JSON"},
		{"an id in neither form", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"!!"}]}]}]}`), "damaged OTLP traces in JSON"},
		{"too long", append(bytes.Clone(good), make([]byte, 1<<20)...), "at most 1048576 are read"},
	} {
		r, err := otlp.Decode(c.body, limits)
		if err == nil || !strings.Contains(err.Error(), c.want) || len(r.Spans) > 0 {
			t.Errorf("%s: %d spans, %v; want %q", c.name, len(r.Spans), err, c.want)
		}
	}
}

// TestDamagedSpansAreLeftOutByName keeps the others of their request.
func TestDamagedSpansAreLeftOutByName(t *testing.T) {
	t.Parallel()
	good := func(name string) *tracepb.Span {
		return &tracepb.Span{Name: name, TraceId: bytes.Repeat([]byte{1}, 16), SpanId: bytes.Repeat([]byte{2}, 8), StartTimeUnixNano: 10, EndTimeUnixNano: 20}
	}
	spans := []*tracepb.Span{good("whole")}
	want := []string{}
	for _, c := range []struct {
		reason string
		damage func(*tracepb.Span)
	}{
		{"its trace id has 4 bytes instead of 16", func(s *tracepb.Span) { s.TraceId = s.TraceId[:4] }},
		{"its trace id is zero", func(s *tracepb.Span) { s.TraceId = make([]byte, 16) }},
		{"its span id has 0 bytes instead of 8", func(s *tracepb.Span) { s.SpanId = nil }},
		{"its parent id has 1 bytes instead of 8", func(s *tracepb.Span) { s.ParentSpanId = []byte{1} }},
		{"it ends 5ns before it starts", func(s *tracepb.Span) { s.EndTimeUnixNano = 5 }},
		{"its start is after the year 2262", func(s *tracepb.Span) { s.StartTimeUnixNano = 1 << 63 }},
	} {
		s := good("damaged")
		c.damage(s)
		spans = append(spans, s)
		want = append(want, `span "damaged": `+c.reason)
	}
	r, err := otlp.Decode(request(spans...), otlp.DefaultLimits())
	if err != nil || len(r.Spans) != 1 || len(r.Refused) != len(want) {
		t.Fatalf("%d spans, %v refused, %v", len(r.Spans), r.Refused, err)
	}
	for i := range want {
		if r.Refused[i].Error() != want[i] {
			t.Errorf("refused %q, want %q", r.Refused[i], want[i])
		}
	}
}

// TestNamesThatSpellOutAStructureMakeOne gathers attributes by their names.
func TestNamesThatSpellOutAStructureMakeOne(t *testing.T) {
	t.Parallel()
	a := otlp.Attributes{
		"p.10.role": "c", "p.2.role": "b", "p.0.role": "a", "p.0.calls.0.id": "x", "p.0.calls.0.name": "y",
		"q.a.b": 1, "q.c": 2, "p": "itself", "pp.0": "other", "r.0": "z", "r.x": "w", "s.": 1,
	}
	for prefix, want := range map[string]any{
		"p": []any{map[string]any{"role": "a", "calls": []any{map[string]any{"id": "x", "name": "y"}}}, map[string]any{"role": "b"}, map[string]any{"role": "c"}},
		"q": map[string]any{"a": map[string]any{"b": 1}, "c": 2},
		"r": map[string]any{"0": "z", "x": "w"},
		"s": nil, "t": nil,
	} {
		if got := a.Under(prefix); !reflect.DeepEqual(got, want) {
			t.Errorf("under %s: %v, want %v", prefix, got, want)
		}
	}
}
