package otlp

import (
	"fmt"

	collectlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A Piece is what a request holds of one trace.
type Piece struct {
	// Trace is zero for a log record that belongs to none, which is a piece of
	// its own, and Record its digest then.
	Trace  TraceID
	Record [32]byte
	// Body is a request of its own. It is the whole message where that has one
	// trace alone.
	Body []byte
}

// Split cuts a request by traces, in the order in which they occur. What cannot
// be told a trace comes back as refused, as Decode refuses it; what else is
// wrong with spans and records, Decode finds in the pieces. An error is one
// that Decode gives too.
func Split(body []byte, limits Limits) (pieces []Piece, refused []error, err error) {
	if len(body) > limits.Bytes {
		return nil, nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrNotOTLP, len(body), limits.Bytes)
	}
	format, err := Sniff(body)
	if err != nil {
		return nil, nil, err
	}
	s := splitting{at: map[TraceID]int{}}
	switch format {
	case TracesProto, TracesJSON:
		var m collecttraces.ExportTraceServiceRequest
		if err := unmarshal(body, format == TracesJSON, limits.Depth, &m); err != nil {
			return nil, nil, fmt.Errorf("%w: damaged %v: %w", ErrNotOTLP, format, err)
		}
		s.spans(&m)
	case LogsProto, LogsJSON:
		var m collectlogs.ExportLogsServiceRequest
		if err := unmarshal(body, format == LogsJSON, limits.Depth, &m); err != nil {
			return nil, nil, fmt.Errorf("%w: damaged %v: %w", ErrNotOTLP, format, err)
		}
		s.logs(&m)
	}
	if len(s.pieces) == 1 && len(s.refused) == 0 {
		s.pieces[0].Body = body
		return s.pieces, nil, nil
	}
	for i, request := range s.requests {
		if s.pieces[i].Body, err = proto.Marshal(request); err != nil {
			return nil, nil, fmt.Errorf("split a request: %w", err)
		}
	}
	return s.pieces, s.refused, nil
}

// splitting is a request on its way into pieces.
type splitting struct {
	at       map[TraceID]int
	pieces   []Piece
	requests []proto.Message // by piece
	refused  []error
}

func (s *splitting) spans(m *collecttraces.ExportTraceServiceRequest) {
	for _, resource := range m.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			into := map[TraceID]*tracepb.ScopeSpans{}
			for _, p := range scope.GetSpans() {
				var id TraceID
				if err := idTo(id[:], p.GetTraceId(), "trace", false); err != nil {
					s.refused = append(s.refused, fmt.Errorf("span %.60q: %w", p.GetName(), err))
					continue
				}
				if into[id] == nil {
					into[id] = &tracepb.ScopeSpans{Scope: scope.GetScope(), SchemaUrl: scope.GetSchemaUrl()}
					request := s.trace(id, func() proto.Message { return &collecttraces.ExportTraceServiceRequest{} }).(*collecttraces.ExportTraceServiceRequest)
					request.ResourceSpans = append(request.ResourceSpans, &tracepb.ResourceSpans{
						Resource: resource.GetResource(), SchemaUrl: resource.GetSchemaUrl(), ScopeSpans: []*tracepb.ScopeSpans{into[id]},
					})
				}
				into[id].Spans = append(into[id].Spans, p)
			}
		}
	}
}

func (s *splitting) logs(m *collectlogs.ExportLogsServiceRequest) {
	for _, resource := range m.GetResourceLogs() {
		for _, scope := range resource.GetScopeLogs() {
			into := map[TraceID]*logspb.ScopeLogs{}
			for _, p := range scope.GetLogRecords() {
				var id TraceID
				err := idTo(id[:], p.GetTraceId(), "trace", true)
				if err != nil {
					s.refused = append(s.refused, fmt.Errorf("log record %.60q: %w", p.GetEventName(), err))
					continue
				}
				stray := id == TraceID{}
				if stray || into[id] == nil {
					part := &logspb.ScopeLogs{Scope: scope.GetScope(), SchemaUrl: scope.GetSchemaUrl()}
					create := func() proto.Message { return &collectlogs.ExportLogsServiceRequest{} }
					var request *collectlogs.ExportLogsServiceRequest
					if stray {
						request = s.stray(p, create).(*collectlogs.ExportLogsServiceRequest)
					} else {
						request = s.trace(id, create).(*collectlogs.ExportLogsServiceRequest)
					}
					request.ResourceLogs = append(request.ResourceLogs, &logspb.ResourceLogs{
						Resource: resource.GetResource(), SchemaUrl: resource.GetSchemaUrl(), ScopeLogs: []*logspb.ScopeLogs{part},
					})
					into[id] = part
				}
				into[id].LogRecords = append(into[id].LogRecords, p)
			}
		}
	}
}

// trace is the request of a trace.
func (s *splitting) trace(id TraceID, create func() proto.Message) proto.Message {
	at, ok := s.at[id]
	if !ok {
		at = len(s.pieces)
		s.at[id] = at
		s.pieces = append(s.pieces, Piece{Trace: id})
		s.requests = append(s.requests, create())
	}
	return s.requests[at]
}

// stray is the request of a record that belongs to no trace.
func (s *splitting) stray(p *logspb.LogRecord, create func() proto.Message) proto.Message {
	sum, err := digest(p)
	if err != nil {
		sum = [32]byte{} // Decode says what is wrong with it.
	}
	request := create()
	s.pieces = append(s.pieces, Piece{Record: sum})
	s.requests = append(s.requests, request)
	return request
}
