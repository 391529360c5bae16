package receiver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds a test's waits.
const deadline = 30 * time.Second

// counts are what an observer was told.
type counts struct {
	mu                     sync.Mutex // guards what follows
	began, answered        int
	accepted, acknowledged int
	refused                map[string]int
}

func newCounts() *counts { return &counts{refused: map[string]int{}} }

func (c *counts) Began() { c.mu.Lock(); defer c.mu.Unlock(); c.began++ }

func (c *counts) Answered(_ otlp.Signal, _ int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered++
}

func (c *counts) Accepted(_ otlp.Signal, records int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted += records
	c.acknowledged++
}

func (c *counts) Refused(_ otlp.Signal, reason string, records int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[reason] += records
}

// kept is a log in memory. While hold is set it acknowledges nothing, and gives
// up at a record's time.
type kept struct {
	mu      sync.Mutex // guards what follows
	records []traces.Record
	hold    bool
	err     error
	late    sync.WaitGroup
}

func (k *kept) Write(records []traces.Record, until time.Time, done func(error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.hold {
		k.late.Go(func() {
			<-time.After(time.Until(until))
			done(fmt.Errorf("held"))
		})
		return
	}
	if k.err == nil {
		k.records = append(k.records, records...)
	}
	done(k.err)
}

// serve runs a receiver on a log until the end of the test.
func serve(t *testing.T, log receiver.Log, change func(*receiver.Config)) (url string, told *counts) {
	t.Helper()
	told = newCounts()
	c := receiver.Config{Log: log, Observer: told, Logger: slog.New(slog.DiscardHandler), Limits: receiver.DefaultLimits(), Grace: time.Second}
	if change != nil {
		change(&c)
	}
	server := httptest.NewServer(receiver.NewServer(c))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if k, ok := log.(*kept); ok {
			k.late.Wait()
		}
	})
	return server.URL, told
}

// reply is what a receiver answered.
type reply struct {
	status int
	header http.Header
	body   []byte
}

const protobuf = "application/x-protobuf"

// post sends a body with headers, given as names and values.
func post(t *testing.T, url string, body []byte, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", protobuf)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport, Timeout: deadline}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, answer}
}

func zipped(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is a request of a real exporter.
func sample(t *testing.T, pattern string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "traces", "threads", "testdata", "otlp", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	body, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// spansOf is a request with spans of some traces, numbered from a first, each
// span with so many bytes of text.
func spansOf(t *testing.T, first, traces, each, bytes int) []byte {
	t.Helper()
	scope := &tracepb.ScopeSpans{Scope: &commonpb.InstrumentationScope{Name: "test"}}
	text := &commonpb.KeyValue{Key: "text", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: string(make([]byte, bytes))}}}
	for n := range traces {
		for i := range each {
			scope.Spans = append(scope.Spans, &tracepb.Span{
				TraceId: fmt.Appendf(nil, "%016d", first+n), SpanId: fmt.Appendf(nil, "%08d", i+1), Name: "span",
				StartTimeUnixNano: 1, EndTimeUnixNano: 2, Attributes: []*commonpb.KeyValue{text},
			})
		}
	}
	body, err := proto.Marshal(&collecttraces.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: &resourcepb.Resource{}, ScopeSpans: []*tracepb.ScopeSpans{scope},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// gated is a log that acknowledges once its gate is open.
type gated struct {
	gate chan struct{}

	mu   sync.Mutex // guards what follows
	held int
	most int // bytes at once
}

func (g *gated) Write(records []traces.Record, _ time.Time, done func(error)) {
	n := 0
	for _, r := range records {
		n += len(r.Value)
	}
	g.mu.Lock()
	g.held += n
	g.most = max(g.most, g.held)
	g.mu.Unlock()
	<-g.gate
	g.mu.Lock()
	g.held -= n
	g.mu.Unlock()
	done(nil)
}
