package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/gzip"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A request is a body that an exporter posts.
type request struct {
	body   []byte
	coding string
}

// requests are as exporters of an agent make them: model calls and tool calls of
// several traces at a time, with what was said.
func (b *bench) requests() ([]request, error) {
	var all []request
	for first := 0; first < b.spans; first += b.together {
		scope := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: "opentelemetry.instrumentation.openai_v2", Version: "2.4b0"}}
		for i := first; i < min(first+b.together, b.spans); i++ {
			scope.Spans = append(scope.Spans, span(first/b.together*b.traces+i%b.traces, i))
		}
		body, err := proto.Marshal(&collecttraces.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
			Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{
				text("service.name", "support-agent"), text("telemetry.sdk.language", "python"), text("telemetry.sdk.name", "opentelemetry"), text("telemetry.sdk.version", "1.39.1"),
			}},
			ScopeSpans: []*tracepb.ScopeSpans{scope},
		}}})
		if err != nil {
			return nil, err
		}
		all = append(all, request{body: body})
	}
	return all, nil
}

// span is the i-th span, a model call with about 700 bytes.
func span(trace, i int) *tracepb.Span {
	traceID, spanID := make([]byte, 16), make([]byte, 8)
	binary.BigEndian.PutUint64(traceID[8:], uint64(trace)+1) //nolint:gosec // not negative
	binary.BigEndian.PutUint64(spanID, uint64(i)+1)          //nolint:gosec // likewise
	at := 1_760_000_000_000_000_000 + uint64(i)*1000         //nolint:gosec // likewise
	return &tracepb.Span{
		TraceId: traceID, SpanId: spanID, ParentSpanId: spanID, Name: "chat Qwen/Qwen2.5-7B-Instruct", Kind: tracepb.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: at, EndTimeUnixNano: at + 1_000_000,
		Attributes: []*commonpb.KeyValue{
			text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "openai"), text("gen_ai.request.model", "Qwen/Qwen2.5-7B-Instruct"),
			text("gen_ai.input.messages", fmt.Sprintf(`[{"role":"user","parts":[{"type":"text","content":"What is %d times %d? Use the calculator, and tell me how you came to your answer."}]}]`, i, trace)),
			text("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"tool_call","id":"call_1","name":"calculator","arguments":{"expression":"12 * 34"}}],"finish_reason":"tool_calls"}]`),
			number("gen_ai.usage.input_tokens", 57), number("gen_ai.usage.output_tokens", int64(i%40)),
		},
	}
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, value int64) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}}}
}

// zipped are the requests in gzip.
func zipped(requests []request) []request {
	all := make([]request, len(requests))
	for i, r := range requests {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(r.body) // A buffer takes everything.
		_ = w.Close()          // Likewise.
		all[i] = request{b.Bytes(), "gzip"}
	}
	return all
}
