package otlp_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/traces/otlp"
)

// digests are the records of a request, each with how often it is there.
func digests(r otlp.Request) map[[32]byte]int {
	all := map[[32]byte]int{}
	for _, s := range r.Spans {
		all[s.Digest]++
	}
	for _, l := range r.Logs {
		all[l.Digest]++
	}
	return all
}

// wantCuts cuts a request and compares what the parts hold with what it holds.
func wantCuts(t *testing.T, body []byte, signal otlp.Signal, bounds otlp.Bounds) otlp.Cuts {
	t.Helper()
	whole, err := otlp.Decode(body, otlp.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	cuts, err := otlp.Cut(body, signal, bounds)
	if err != nil {
		t.Fatal(err)
	}
	want := digests(whole)
	kept := 0
	for i, p := range cuts.Parts {
		if len(p.Body) > bounds.Message {
			t.Errorf("part %d has %d bytes", i, len(p.Body))
		}
		part, err := otlp.Decode(p.Body, otlp.DefaultLimits())
		if err != nil || len(part.Refused) > 0 || len(part.Spans)+len(part.Logs) != p.Records {
			t.Fatalf("part %d of %d records: %v, %d spans, %d log records, refused %v", i, p.Records, err, len(part.Spans), len(part.Logs), part.Refused)
		}
		for _, s := range part.Spans {
			if s.Trace != p.Trace {
				t.Errorf("part %d of trace %v holds a span of trace %v", i, p.Trace, s.Trace)
			}
		}
		for _, l := range part.Logs {
			if l.Trace != p.Trace {
				t.Errorf("part %d of trace %v holds a log record of trace %v", i, p.Trace, l.Trace)
			}
		}
		for d, n := range digests(part) {
			want[d] -= n
		}
		kept += p.Records
	}
	left := 0
	for d, n := range want {
		if n < 0 {
			t.Errorf("%x came too often", d)
		}
		left += n
	}
	if left != cuts.Left || kept != cuts.Kept {
		t.Errorf("%d records are missing, %d were refused; %d are there, %d were kept", left, cuts.Left, kept, cuts.Kept)
	}
	return cuts
}

// TestEverySampleIsCutByTraceWithoutLoss cuts what real exporters sent, as it is
// and from JSON, into parts of several sizes.
func TestEverySampleIsCutByTraceWithoutLoss(t *testing.T) {
	t.Parallel()
	seen, several := 0, 0
	err := filepath.WalkDir(samples(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || (!strings.HasSuffix(path, ".pb") && !strings.HasSuffix(path, ".json")) || strings.HasSuffix(path, "MANIFEST.json") {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		format, err := otlp.Sniff(body)
		if err != nil {
			return err
		}
		if format.JSON() {
			if body, err = otlp.Proto(body, format.Signal(), otlp.DefaultLimits()); err != nil {
				t.Errorf("%s: %v", path, err)
				return nil
			}
		}
		cuts := wantCuts(t, body, format.Signal(), otlp.DefaultBounds())
		if cuts.Left > 0 {
			t.Errorf("%s: %d records were refused: %v", path, cuts.Left, cuts.Refused)
		}
		small := otlp.DefaultBounds()
		small.Message, small.Grown = 6000, 1000
		wantCuts(t, body, format.Signal(), small)
		seen++
		several += min(1, max(0, len(cuts.Parts)-1))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 5 || several == 0 {
		t.Errorf("%d samples, of them %d of several traces", seen, several)
	}
}

// spanOf is a span of the trace with a number.
func spanOf(trace, span byte, name string) *tracepb.Span {
	id := make([]byte, 16)
	id[15] = trace
	return &tracepb.Span{TraceId: id, SpanId: []byte{1, 0, 0, 0, 0, 0, 0, span}, Name: name, StartTimeUnixNano: 1, EndTimeUnixNano: 2}
}

func requestOf(t *testing.T, resource string, spans ...*tracepb.Span) []byte {
	t.Helper()
	pair := &commonpb.KeyValue{Key: "r", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: resource}}}
	body, err := proto.Marshal(&collecttraces.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{pair}}, SchemaUrl: "schema",
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "scope"}, Spans: spans, SchemaUrl: "schema"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestRecordsThatCannotBeReadAreLeftOutAlone refuses spans by reason and keeps
// their neighbours.
func TestRecordsThatCannotBeReadAreLeftOutAlone(t *testing.T) {
	t.Parallel()
	noTrace, short, zero := spanOf(1, 2, "a"), spanOf(1, 3, "b"), spanOf(1, 4, "c")
	noTrace.TraceId, short.SpanId, zero.TraceId = nil, []byte{1}, make([]byte, 16)
	large := spanOf(1, 5, strings.Repeat("x", 2000))
	bounds := otlp.DefaultBounds()
	bounds.Message = 1000
	body := requestOf(t, "resource", spanOf(1, 1, "first"), noTrace, short, zero, large, spanOf(1, 6, "last"))
	cuts, err := otlp.Cut(body, otlp.Spans, bounds)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[error]int{}
	for _, r := range cuts.Refused {
		for _, reason := range []error{otlp.ErrID, otlp.ErrDamaged, otlp.ErrTooLarge} {
			if errors.Is(r.Reason, reason) {
				counts[reason] += r.Records
			}
		}
	}
	if cuts.Kept != 2 || cuts.Left != 4 || counts[otlp.ErrID] != 3 || counts[otlp.ErrTooLarge] != 1 {
		t.Errorf("kept %d, left %d: %v", cuts.Kept, cuts.Left, cuts.Refused)
	}
	// A text that is no UTF-8 spoils its span alone.
	broken := []byte(strings.Replace(string(requestOf(t, "r", spanOf(1, 1, "good"), spanOf(2, 2, "bad!"))), "bad!", "bad\xff", 1))
	cuts, err = otlp.Cut(broken, otlp.Spans, otlp.DefaultBounds())
	if err != nil || cuts.Kept != 1 || cuts.Left != 1 || !errors.Is(cuts.Refused[0].Reason, otlp.ErrDamaged) {
		t.Errorf("%v, kept %d, refused %v", err, cuts.Kept, cuts.Refused)
	}
}

// TestResourceThatManyTracesRepeatIsRefused bounds what a small request may grow
// to.
func TestResourceThatManyTracesRepeatIsRefused(t *testing.T) {
	t.Parallel()
	spans := make([]*tracepb.Span, 0, 200)
	for i := range 200 {
		spans = append(spans, spanOf(byte(i), 1, "s"))
	}
	if _, err := otlp.Cut(requestOf(t, strings.Repeat("x", 100_000), spans[1:]...), otlp.Spans, otlp.DefaultBounds()); !errors.Is(err, otlp.ErrTooMany) {
		t.Errorf("the error is %v", err)
	}
	bounds := otlp.DefaultBounds()
	bounds.Records = 198
	if _, err := otlp.Cut(requestOf(t, "r", spans[1:]...), otlp.Spans, bounds); !errors.Is(err, otlp.ErrTooMany) {
		t.Errorf("of too many records the error is %v", err)
	}
	wantCuts(t, requestOf(t, "r", spans[1:]...), otlp.Spans, otlp.DefaultBounds())
}

// TestDamagedRequestsAreRefusedWhole damages what lies around spans.
func TestDamagedRequestsAreRefusedWhole(t *testing.T) {
	t.Parallel()
	good := requestOf(t, "resource", spanOf(1, 1, "a"))
	for name, body := range map[string][]byte{
		"cut off":           good[:len(good)-3],
		"text":              []byte("hello"),
		"resource no UTF-8": []byte(strings.Replace(string(good), "resource", "resourc\xff", 1)),
		"claims too much":   {0x0a, 0xff, 0xff, 0xff, 0x7f, 1},
	} {
		if _, err := otlp.Cut(body, otlp.Spans, otlp.DefaultBounds()); !errors.Is(err, otlp.ErrNotOTLP) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A field of a later version is no damage.
	later := protowire.AppendVarint(protowire.AppendTag(append([]byte{}, good...), 9, protowire.VarintType), 7)
	if cuts, err := otlp.Cut(later, otlp.Spans, otlp.DefaultBounds()); err != nil || cuts.Kept != 1 {
		t.Errorf("with a later field: %v, %d kept", err, cuts.Kept)
	}
}

// FuzzCut holds that every part can be read, and that it holds what it says.
func FuzzCut(f *testing.F) {
	names, err := filepath.Glob(filepath.Join(samples(), "*", "*.pb"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(body) < 8<<10 {
			f.Add(body, strings.Contains(name, "logs"))
		}
	}
	bounds := otlp.Bounds{Message: 3000, Records: 500, Grown: 4, Total: 1 << 20, Depth: 50}
	f.Fuzz(func(t *testing.T, body []byte, logs bool) {
		signal := otlp.Spans
		if logs {
			signal = otlp.Logs
		}
		cuts, err := otlp.Cut(body, signal, bounds)
		if err != nil {
			return
		}
		for _, p := range cuts.Parts {
			r, err := otlp.Decode(p.Body, otlp.Limits{Bytes: bounds.Message, Depth: bounds.Depth})
			if err != nil || r.Format.Signal() != signal || len(r.Spans)+len(r.Logs)+len(r.Refused) != p.Records {
				t.Errorf("a part of %d records is %v with %d spans, %d log records, refused %v: %v", p.Records, r.Format, len(r.Spans), len(r.Logs), r.Refused, err)
			}
		}
	})
}
