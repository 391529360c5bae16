package telemetry

import (
	"context"
	"net/http"
	"strings"
)

// Names of the W3C headers, in HTTP and in Kafka.
const (
	headerTraceparent = "traceparent"
	headerTracestate  = "tracestate"
	headerBaggage     = "baggage"
)

// Sizes beyond which W3C lets a party drop the header.
const (
	maxTracestate = 512
	maxBaggage    = 8192
)

// Trace is a W3C trace context: its headers' values as they came.
type Trace struct {
	Parent, State, Baggage string
}

type traceKey struct{}

// WithTrace returns a context whose events carry the trace.
func WithTrace(ctx context.Context, trace Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, &trace)
}

// TraceFrom returns the trace of a context, or the zero Trace.
func TraceFrom(ctx context.Context) Trace {
	if trace := sharedTrace(ctx); trace != nil {
		return *trace
	}
	return Trace{}
}

// sharedTrace returns the trace of a context, which nobody changes, or nil.
func sharedTrace(ctx context.Context) *Trace {
	trace, _ := ctx.Value(traceKey{}).(*Trace)
	return trace
}

// TraceFromHTTP reads the trace of a request. As W3C Trace Context asks, a
// malformed traceparent counts as none, and with it the tracestate; values
// over the sizes of the standard are dropped.
func TraceFromHTTP(header http.Header) Trace {
	var trace Trace
	if parent := header.Values(headerTraceparent); len(parent) == 1 && validTraceparent(parent[0]) {
		trace.Parent = parent[0]
		trace.State = joinHeader(header, headerTracestate, maxTracestate)
	}
	trace.Baggage = joinHeader(header, headerBaggage, maxBaggage)
	return trace
}

// SetHTTP writes the trace into the headers of a request.
func (t Trace) SetHTTP(header http.Header) {
	for _, h := range []struct{ key, value string }{
		{headerTraceparent, t.Parent}, {headerTracestate, t.State}, {headerBaggage, t.Baggage},
	} {
		if h.value != "" {
			header.Set(h.key, h.value)
		}
	}
}

// joinHeader joins a list header that was sent in several lines.
func joinHeader(header http.Header, key string, limit int) string {
	value := strings.Join(header.Values(key), ",")
	if len(value) > limit {
		return ""
	}
	return value
}

// validTraceparent checks version-traceid-parentid-flags (W3C Trace Context,
// section 3.2.2): lower-case hex, no zero id, no version ff. A version above 00
// may have more fields.
func validTraceparent(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 4 || parts[0] == "ff" || (parts[0] == "00" && len(parts) != 4) {
		return false
	}
	for i, width := range []int{2, 32, 16, 2} {
		if len(parts[i]) != width || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != "" && len(s) <= maxTracestate
}
