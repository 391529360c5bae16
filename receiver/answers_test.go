package receiver_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
)

// TestRequestsOfRealExportersBecomeMessagesOfOneTrace posts both signals in both
// encodings, packed and not: the messages are protobuf, of one trace, keyed by it.
func TestRequestsOfRealExportersBecomeMessagesOfOneTrace(t *testing.T) {
	t.Parallel()
	body, text, logs := sample(t, "openinference-openai/*.pb"), sample(t, "openinference-openai/*.json"), sample(t, "*default/*.logs*.pb")
	for name, c := range map[string]struct {
		path    string
		body    []byte
		headers []string
		answer  string
	}{
		"protobuf":      {"/v1/traces", body, nil, ""},
		"gzip":          {"/v1/traces", zipped(t, body), []string{"Content-Encoding", "gzip"}, ""},
		"JSON":          {"/v1/traces", text, []string{"Content-Type", "application/json; charset=utf-8"}, "{}"},
		"JSON in gzip":  {"/v1/traces", zipped(t, text), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, "{}"},
		"logs":          {"/v1/logs", logs, nil, ""},
		"nothing":       {"/v1/traces", nil, nil, ""},
		"nothing, JSON": {"/v1/logs", []byte(" {} "), []string{"Content-Type", "application/json"}, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &kept{}
			url, told := serve(t, log, nil)
			r := post(t, url+c.path, c.body, c.headers...)
			if r.status != http.StatusOK || string(r.body) != c.answer {
				t.Fatalf("status %d: %s", r.status, r.body)
			}
			n := 0
			for _, record := range log.records {
				request, err := otlp.Decode(record.Value, otlp.DefaultLimits())
				if err != nil || request.Format.JSON() {
					t.Fatalf("a message is %v: %v", request.Format, err)
				}
				for _, s := range request.Spans {
					if string(record.Key) != s.Trace.String() {
						t.Errorf("a span of %v is under the key %q", s.Trace, record.Key)
					}
				}
				n += len(request.Spans) + len(request.Logs)
			}
			if n != told.accepted || (n == 0) != strings.HasPrefix(name, "nothing") {
				t.Errorf("%d records are there, %d were counted", n, told.accepted)
			}
		})
	}
}

// TestRefusalsSayWhatIsWrong holds the status of each wrong request, in its own
// encoding.
func TestRefusalsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	good, logs := spansOf(t, 1, 1, 1, 0), sample(t, "*default/*.logs*.pb")
	url, _ := serve(t, &kept{}, func(c *receiver.Config) { c.Limits.Body = 100_000 })
	text := []string{"Content-Type", "application/json"}
	for name, c := range map[string]struct {
		path    string
		body    []byte
		headers []string
		status  int
		says    string
	}{
		"another path":      {"/v1/metrics", good, nil, 404, "/v1/traces"},
		"another type":      {"/v1/traces", good, []string{"Content-Type", "text/plain"}, 415, "application/x-protobuf"},
		"another packing":   {"/v1/traces", good, []string{"Content-Encoding", "br"}, 415, "gzip"},
		"damaged":           {"/v1/traces", good[:len(good)-2], nil, 400, "claims"},
		"no gzip":           {"/v1/traces", good, []string{"Content-Encoding", "gzip"}, 400, "gzip"},
		"cut gzip":          {"/v1/traces", zipped(t, good)[:20], []string{"Content-Encoding", "gzip"}, 400, "EOF"},
		"damaged JSON":      {"/v1/traces", []byte(`{"resourceSpans": [`), text, 400, "JSON"},
		"no OTLP":           {"/v1/traces", []byte(`{"hello": 1}`), text, 400, "resourceSpans"},
		"JSON as protobuf":  {"/v1/traces", []byte(`{"resourceSpans": []}`), nil, 400, "Content-Type"},
		"protobuf as JSON":  {"/v1/traces", good, text, 400, "Content-Type"},
		"logs as spans":     {"/v1/traces", logs, nil, 400, "/v1/logs"},
		"spans as logs":     {"/v1/logs", []byte(`{"resourceSpans": []}`), text, 400, "/v1/traces"},
		"deep JSON":         {"/v1/traces", []byte(`{"resourceSpans":` + strings.Repeat("[", 5000)), text, 400, "JSON"},
		"too long":          {"/v1/traces", make([]byte, 100_001), nil, 413, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"},
		"too long unpacked": {"/v1/traces", zipped(t, make([]byte, 100_001)), []string{"Content-Encoding", "gzip"}, 413, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"},
		"JSON too long":     {"/v1/traces", []byte(strings.Repeat(" ", 25_001)), text, 413, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := post(t, url+c.path, c.body, c.headers...)
			if r.status != c.status || !strings.Contains(string(r.body), c.says) {
				t.Errorf("status %d: %q, want %d with %q", r.status, r.body, c.status, c.says)
			}
			if r.header.Get("Retry-After") != "" {
				t.Error("it may come again")
			}
			if len(c.headers) > 1 && c.headers[1] == "application/json" && !json.Valid(r.body) {
				t.Errorf("the answer is no JSON: %q", r.body)
			}
		})
	}
}

// TestSpansThatCannotBeKeptAreAPartialSuccess counts what was left out, in the
// answer and for the observer.
func TestSpansThatCannotBeKeptAreAPartialSuccess(t *testing.T) {
	t.Parallel()
	body := spansOf(t, 1, 3, 1, 0)
	body = []byte(strings.Replace(string(body), "0000000000000002", strings.Repeat("\x00", 16), 1))
	log := &kept{}
	url, told := serve(t, log, nil)
	r := post(t, url+"/v1/traces", body)
	var answer collecttraces.ExportTraceServiceResponse
	if err := proto.Unmarshal(r.body, &answer); err != nil || r.status != http.StatusOK {
		t.Fatalf("status %d: %v", r.status, err)
	}
	if p := answer.GetPartialSuccess(); p.GetRejectedSpans() != 1 || !strings.Contains(p.GetErrorMessage(), "trace id is zero") {
		t.Errorf("the answer is %v", &answer)
	}
	if told.accepted != 2 || told.refused[receiver.ReasonID] != 1 || len(log.records) != 2 {
		t.Errorf("accepted %d, refused %v, %d messages", told.accepted, told.refused, len(log.records))
	}
	if r := post(t, url+"/v1/traces", []byte(strings.ReplaceAll(string(body), "span", "spa\xff"))); r.status != http.StatusBadRequest {
		t.Errorf("a request of which nothing is left has status %d", r.status)
	}
}

// TestTokenGuardsTheReceiver lets in who presents it.
func TestTokenGuardsTheReceiver(t *testing.T) {
	t.Parallel()
	log := &kept{}
	url, _ := serve(t, log, func(c *receiver.Config) { c.Token = "0123456789abcdef" })
	body := spansOf(t, 1, 1, 1, 0)
	for header, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer 0123456789abcdef": 200} {
		if r := post(t, url+"/v1/traces", body, "Authorization", header); r.status != want {
			t.Errorf("%q: status %d, want %d", header, r.status, want)
		}
	}
	if len(log.records) != 1 {
		t.Errorf("%d messages", len(log.records))
	}
}

// TestLogThatDoesNotAcknowledgeIsAReasonToComeAgain holds that nothing is
// answered with success before the log has it, and that memory comes back.
func TestLogThatDoesNotAcknowledgeIsAReasonToComeAgain(t *testing.T) {
	t.Parallel()
	body := spansOf(t, 1, 1, 10, 100)
	log := &kept{hold: true}
	url, told := serve(t, log, func(c *receiver.Config) {
		c.Limits.Acknowledge = 50 * time.Millisecond
		c.Limits.Memory = 64 << 10
	})
	for range 3 {
		r := post(t, url+"/v1/traces", body)
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("status %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
		}
	}
	log.late.Wait()
	log.mu.Lock()
	log.hold = false
	log.mu.Unlock()
	if r := post(t, url+"/v1/traces", body); r.status != http.StatusOK {
		t.Errorf("status %d: %s", r.status, r.body)
	}
	if told.accepted != 10 {
		t.Errorf("%d spans were counted as accepted", told.accepted)
	}
	for err, want := range map[error]int{errors.New("away"): 503, traces.ErrTooLarge: 413} {
		log.mu.Lock()
		log.err = err
		log.mu.Unlock()
		if r := post(t, url+"/v1/traces", body); r.status != want {
			t.Errorf("%v: status %d, want %d", err, r.status, want)
		}
	}
}
