package threads_test

import (
	"math"
	"strings"
	"testing"
	"time"

	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/traces/threads"
)

// span makes a span of the trace 1 that runs from second id to second id + 1; a
// parent of 0 makes it a root.
func span(id, parent byte, change ...func(*tracepb.Span)) *tracepb.Span {
	s := &tracepb.Span{
		TraceId: append(make([]byte, 15), 1), SpanId: append(make([]byte, 7), id), Name: "work",
		StartTimeUnixNano: uint64(id) * 1e9, EndTimeUnixNano: uint64(id)*1e9 + 1e9,
	}
	if parent != 0 {
		s.ParentSpanId = append(make([]byte, 7), parent)
	}
	for _, c := range change {
		c(s)
	}
	return s
}

func attribute(key string, value any) *commonpb.KeyValue {
	v := &commonpb.AnyValue{}
	switch value := value.(type) {
	case string:
		v.Value = &commonpb.AnyValue_StringValue{StringValue: value}
	case int:
		v.Value = &commonpb.AnyValue_IntValue{IntValue: int64(value)}
	case float64:
		v.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: value}
	}
	return &commonpb.KeyValue{Key: key, Value: v}
}

func with(key string, value any) func(*tracepb.Span) {
	return func(s *tracepb.Span) { s.Attributes = append(s.Attributes, attribute(key, value)) }
}

func failing(message string) func(*tracepb.Span) {
	return func(s *tracepb.Span) {
		s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: message}
	}
}

func running(s *tracepb.Span) { s.EndTimeUnixNano = 0 }

func body(t *testing.T, spans ...*tracepb.Span) []byte {
	t.Helper()
	b, err := proto.Marshal(&collect.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "test"}, Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func made(t *testing.T, r threads.Rules, bodies ...[]byte) []threads.Thread {
	t.Helper()
	g, err := threads.NewGathering(r)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range bodies {
		if err := g.Take(threads.Message{Place: threads.Place{Source: "test", Partition: -1, Offset: int64(i)}, Body: b}); err != nil {
			t.Fatal(err)
		}
	}
	all, _, err := g.Threads()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestThreadsAreJudgedByTheirSpans has a case for every state and reason. Spans
// come one to a message, forwards and backwards.
func TestThreadsAreJudgedByTheirSpans(t *testing.T) {
	t.Parallel()
	model := with("gen_ai.operation.name", "chat")
	later := rules()
	later.Quiet, later.Now = time.Minute, time.Unix(30, 0)
	over := later
	over.Deadline = time.Unix(20, 0)
	for _, c := range []struct {
		name  string
		rules threads.Rules
		spans []*tracepb.Span
		want  string
	}{
		{"whole", rules(), []*tracepb.Span{span(1, 0), span(2, 1), span(3, 2)}, "complete"},
		{"a tool failed and the agent went on", rules(), []*tracepb.Span{span(1, 0), span(2, 1, failing("no")), span(3, 1, model)}, "complete"},
		{"no root", rules(), []*tracepb.Span{span(2, 1), span(3, 1)}, "open: no root span yet"},
		{"root not ended", rules(), []*tracepb.Span{span(1, 0, running), span(2, 1)}, "open: a span has not ended"},
		{"a child not ended", rules(), []*tracepb.Span{span(1, 0), span(2, 1, running)}, "open: a span has not ended"},
		{"sent again when it had ended", rules(), []*tracepb.Span{span(1, 0, running), span(1, 0)}, "complete"},
		{"not quiet", later, []*tracepb.Span{span(1, 0), span(9, 1)}, "open: not quiet yet"},
		{"not quiet but past the deadline", over, []*tracepb.Span{span(1, 0), span(9, 1)}, "complete"},
		{"no root past the deadline", over, []*tracepb.Span{span(9, 1)}, "open: no root span yet"},
		{"a parent missing", rules(), []*tracepb.Span{span(1, 0), span(3, 2)}, "orphaned: parents are missing"},
		{"the root failed", rules(), []*tracepb.Span{span(1, 0, failing("broke")), span(2, 1)}, "errored: the root failed"},
		{"the last model call failed", rules(), []*tracepb.Span{span(1, 0), span(2, 1, model), span(3, 1, model, failing("400"))}, "errored: the last model call failed"},
		{"an earlier model call failed", rules(), []*tracepb.Span{span(1, 0), span(2, 1, model, failing("503")), span(3, 1, model)}, "complete"},
		{"two spans of one id", rules(), []*tracepb.Span{span(1, 0), span(2, 1), span(2, 1, with("a", "b"))}, "corrupt: spans contradict each other"},
		{"parents in a circle", rules(), []*tracepb.Span{span(1, 0), span(2, 3), span(3, 2)}, "corrupt: parents go in a circle"},
		{"a reward is NaN", rules(), []*tracepb.Span{span(1, 0, with("cohort.reward", math.NaN()))}, "corrupt: a reward is no number"},
		{"a reward is infinite", rules(), []*tracepb.Span{span(1, 0, with("gen_ai.evaluation.score.value", math.Inf(1)))}, "corrupt: a reward is no number"},
		{"no candidate of that number", rules(), []*tracepb.Span{span(1, 0, with("cohort.decision.chosen", -1))}, "corrupt: a decision is none"},
		{"orphaned and failed", rules(), []*tracepb.Span{span(1, 0, failing("x")), span(3, 2)}, "orphaned: parents are missing"},
	} {
		var forwards, backwards [][]byte
		for i := range c.spans {
			forwards = append(forwards, body(t, c.spans[i]))
			backwards = append(backwards, body(t, c.spans[len(c.spans)-1-i]))
		}
		for _, bodies := range [][][]byte{forwards, backwards, {body(t, c.spans...)}} {
			all := made(t, c.rules, bodies...)
			if len(all) != 1 {
				t.Errorf("%s: %d threads, want one", c.name, len(all))
				continue
			}
			got := string(all[0].State)
			if all[0].Reason != "" {
				got += ": " + all[0].Reason
			}
			if got != c.want || (all[0].Reason != "" && all[0].Detail == "") {
				t.Errorf("%s: %s (%s), want %s", c.name, got, all[0].Detail, c.want)
			}
		}
	}
}

// TestThreadsAreNamedByParameters shows what joins traces and what divides them.
func TestThreadsAreNamedByParameters(t *testing.T) {
	t.Parallel()
	second := func(s *tracepb.Span) { s.TraceId[15] = 2 }
	spans := []*tracepb.Span{
		span(1, 0, with("session.id", "s"), with("my.task", "t1"), with("a", "x"), with("b", "y")),
		span(2, 0, second, with("session.id", "s"), with("my.task", "t2"), with("a", "x"), with("b", "z")),
	}
	for _, c := range []struct {
		thread, task []string
		want         string
	}{
		{nil, nil, "s[]"},
		{[]string{"nothing"}, []string{"my.task"}, "00000000000000000000000000000001[t1] 00000000000000000000000000000002[t2]"},
		{[]string{"nothing", "a"}, []string{"my.task"}, "x[t1]"},
		{[]string{"a+b"}, nil, "x/y[] x/z[]"},
		{[]string{"a+nothing", "session.id"}, nil, "s[]"},
	} {
		r := rules()
		if c.thread != nil {
			r.Thread = c.thread
		}
		if c.task != nil {
			r.Task = c.task
		}
		var got []string
		for _, thread := range made(t, r, body(t, spans...)) {
			got = append(got, thread.ID+"["+thread.Task+"]")
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("thread by %v, task by %v: %v, want %s", c.thread, c.task, got, c.want)
		}
	}
}

// TestWhatIsRecordedTwiceCountsOnce has calls that two libraries record.
func TestWhatIsRecordedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	chat, tool := with("gen_ai.operation.name", "chat"), with("gen_ai.operation.name", "execute_tool")
	named := with("gen_ai.tool.name", "search")
	for _, c := range []struct {
		name         string
		spans        []*tracepb.Span
		calls, tools int
	}{
		{"a model call inside a model call", []*tracepb.Span{span(1, 0), span(2, 1, chat), span(3, 2, chat)}, 1, 0},
		{"with a step between", []*tracepb.Span{span(1, 0), span(2, 1, chat), span(3, 2), span(4, 3, chat)}, 1, 0},
		{"an agent that a tool of a model call runs", []*tracepb.Span{span(1, 0, chat), span(2, 1, tool, named), span(3, 2, chat)}, 2, 1},
		{"a tool inside the same tool", []*tracepb.Span{span(1, 0), span(2, 1, tool, named), span(3, 2, tool, named)}, 0, 1},
		{"a tool inside another", []*tracepb.Span{span(1, 0), span(2, 1, tool, named), span(3, 2, tool, with("gen_ai.tool.name", "fetch"))}, 0, 2},
		{"a request and the call of its id", []*tracepb.Span{
			span(1, 0), span(2, 1, chat), span(3, 2, with("tool.call.id", "c"), with("tool.name", "search")),
			span(4, 1, tool, named, with("gen_ai.tool.call.id", "c")),
		}, 1, 1},
	} {
		all := made(t, rules(), body(t, c.spans...))
		if len(all) != 1 || all[0].ModelCalls != c.calls || all[0].ToolCalls != c.tools {
			t.Errorf("%s: %d model calls and %d tool calls, want %d and %d", c.name, all[0].ModelCalls, all[0].ToolCalls, c.calls, c.tools)
		}
	}
}

// TestErrorsThatArePassedUpAreOneFailure counts what failed by itself.
func TestErrorsThatArePassedUpAreOneFailure(t *testing.T) {
	t.Parallel()
	all := made(t, rules(), body(t,
		span(1, 0, failing("agent: tool: broke")), span(2, 1, failing("tool: broke")), span(3, 2), span(4, 3, failing("broke")), span(5, 1, failing("another")),
	))
	if all[0].Errors != 4 || all[0].Failures != 2 {
		t.Errorf("%d errors and %d failures, want 4 and 2", all[0].Errors, all[0].Failures)
	}
}

// TestDeepTracesAreRead has as many levels as a hostile trace may have.
func TestDeepTracesAreRead(t *testing.T) {
	t.Parallel()
	const levels = 5_000
	spans := make([]*tracepb.Span, levels)
	for i := range spans {
		s := span(1, 0, failing("deep"))
		s.SpanId = []byte{9, 0, 0, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}
		if i > 0 {
			s.ParentSpanId = spans[i-1].SpanId
		}
		spans[i] = s
	}
	all := made(t, rules(), body(t, spans...))
	if len(all) != 1 || all[0].Errors != levels || all[0].Failures != 1 {
		t.Errorf("%d errors, %d failures", all[0].Errors, all[0].Failures)
	}
}
