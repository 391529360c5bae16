package otlp

import (
	"crypto/sha256"
	"fmt"
	"math"
	"time"

	collectlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// Decode reads one request. The error wraps [ErrNotOTLP] if the message is
// none.
func Decode(body []byte, limits Limits) (Request, error) {
	if len(body) > limits.Bytes {
		return Request{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrNotOTLP, len(body), limits.Bytes)
	}
	format, err := Sniff(body)
	if err != nil {
		return Request{}, err
	}
	r := Request{Format: format}
	switch format {
	case TracesProto, TracesJSON:
		var m collecttraces.ExportTraceServiceRequest
		if err := unmarshal(body, format == TracesJSON, limits.Depth, &m); err != nil {
			return Request{}, fmt.Errorf("%w: damaged %v: %w", ErrNotOTLP, format, err)
		}
		r.spans(&m)
	case LogsProto, LogsJSON:
		var m collectlogs.ExportLogsServiceRequest
		if err := unmarshal(body, format == LogsJSON, limits.Depth, &m); err != nil {
			return Request{}, fmt.Errorf("%w: damaged %v: %w", ErrNotOTLP, format, err)
		}
		r.logs(&m)
	}
	return r, nil
}

func unmarshal(body []byte, json bool, depth int, m proto.Message) error {
	if !json {
		return proto.UnmarshalOptions{RecursionLimit: depth}.Unmarshal(body, m)
	}
	// An object and a list of JSON are one message of protobuf.
	text, err := protoJSON(body, 2*depth)
	if err != nil {
		return err
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: depth}.Unmarshal(text, m)
}

func originOf(resource *resourcepb.Resource, scope *commonpb.InstrumentationScope) *Origin {
	return &Origin{Resource: attributes(resource.GetAttributes()), Scope: scope.GetName(), Version: scope.GetVersion()}
}

func (r *Request) spans(m *collecttraces.ExportTraceServiceRequest) {
	for _, resource := range m.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			origin := originOf(resource.GetResource(), scope.GetScope())
			for _, p := range scope.GetSpans() {
				span, err := spanOf(p)
				if err != nil {
					r.Refused = append(r.Refused, fmt.Errorf("span %.60q: %w", p.GetName(), err))
					continue
				}
				span.Origin = origin
				r.Spans = append(r.Spans, span)
			}
		}
	}
}

func spanOf(p *tracepb.Span) (Span, error) {
	s := Span{
		Name: p.GetName(), Attributes: attributes(p.GetAttributes()),
		Failed: p.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, Message: p.GetStatus().GetMessage(),
	}
	var err error
	if err = idTo(s.Trace[:], p.GetTraceId(), "trace", false); err != nil {
		return s, err
	}
	if err = idTo(s.ID[:], p.GetSpanId(), "span", false); err != nil {
		return s, err
	}
	if err = idTo(s.Parent[:], p.GetParentSpanId(), "parent", true); err != nil {
		return s, err
	}
	if s.Start, err = moment(p.GetStartTimeUnixNano(), "start"); err != nil {
		return s, err
	}
	if s.End, err = moment(p.GetEndTimeUnixNano(), "end"); err != nil {
		return s, err
	}
	if !s.End.IsZero() && s.End.Before(s.Start) {
		return s, fmt.Errorf("it ends %v before it starts", s.Start.Sub(s.End))
	}
	for _, e := range p.GetEvents() {
		at, err := moment(e.GetTimeUnixNano(), "event's time")
		if err != nil {
			return s, err
		}
		s.Events = append(s.Events, Event{Time: at, Name: e.GetName(), Attributes: attributes(e.GetAttributes())})
	}
	s.Digest, err = digest(p)
	return s, err
}

func (r *Request) logs(m *collectlogs.ExportLogsServiceRequest) {
	for _, resource := range m.GetResourceLogs() {
		for _, scope := range resource.GetScopeLogs() {
			origin := originOf(resource.GetResource(), scope.GetScope())
			for _, p := range scope.GetLogRecords() {
				log, err := logOf(p)
				if err != nil {
					r.Refused = append(r.Refused, fmt.Errorf("log record %.60q: %w", p.GetEventName(), err))
					continue
				}
				log.Origin = origin
				r.Logs = append(r.Logs, log)
			}
		}
	}
}

func logOf(p *logspb.LogRecord) (Log, error) {
	l := Log{Name: p.GetEventName(), Attributes: attributes(p.GetAttributes()), Body: value(p.GetBody())}
	if l.Name == "" {
		l.Name, _ = l.Attributes["event.name"].(string)
	}
	err := idTo(l.Trace[:], p.GetTraceId(), "trace", true)
	if err != nil {
		return l, err
	}
	if err = idTo(l.Span[:], p.GetSpanId(), "span", true); err != nil {
		return l, err
	}
	nanos := p.GetTimeUnixNano()
	if nanos == 0 {
		nanos = p.GetObservedTimeUnixNano()
	}
	if l.Time, err = moment(nanos, "time"); err != nil {
		return l, err
	}
	l.Digest, err = digest(p)
	return l, err
}

// idTo copies an id of exactly the right length that is not zero. An id that
// may be missing may also be zero.
func idTo(dst, id []byte, what string, optional bool) error {
	if optional && len(id) == 0 {
		return nil
	}
	if len(id) != len(dst) {
		return fmt.Errorf("its %s id has %d bytes instead of %d", what, len(id), len(dst))
	}
	copy(dst, id)
	if optional {
		return nil
	}
	for _, b := range dst {
		if b != 0 {
			return nil
		}
	}
	return fmt.Errorf("its %s id is zero", what)
}

func moment(nanos uint64, what string) (time.Time, error) {
	if nanos == 0 {
		return time.Time{}, nil
	}
	if nanos > math.MaxInt64 {
		return time.Time{}, fmt.Errorf("its %s is after the year 2262", what)
	}
	return time.Unix(0, int64(nanos)).UTC(), nil
}

// digest is the hash of a message whose fields are in the order of their
// numbers.
func digest(m proto.Message) ([32]byte, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return [32]byte{}, fmt.Errorf("marshal: %w", err)
	}
	return sha256.Sum256(body), nil
}
