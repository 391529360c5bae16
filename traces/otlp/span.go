package otlp

import (
	"encoding/hex"
	"time"
)

// TraceID is the id of a trace.
type TraceID [16]byte

// String is the id in hexadecimal.
func (id TraceID) String() string { return hex.EncodeToString(id[:]) }

// SpanID is the id of a span within its trace.
type SpanID [8]byte

// String is the id in hexadecimal.
func (id SpanID) String() string { return hex.EncodeToString(id[:]) }

// A Span is one operation of a trace.
type Span struct {
	Trace TraceID
	ID    SpanID
	// Parent is zero for a root.
	Parent SpanID
	Name   string
	// Start is when it began. End is zero if it has not ended.
	Start, End time.Time
	Attributes Attributes
	Events     []Event
	// Failed says that its status is an error, Message what the status says.
	Failed  bool
	Message string
	Origin  *Origin
	// Digest is the hash of the span alone, without its origin: the same for
	// the same span sent again, in whichever form.
	Digest [32]byte
}

// An Event is a moment in a span.
type Event struct {
	Time       time.Time
	Name       string
	Attributes Attributes
}

// A Log is a log record, or an event that is sent as one.
type Log struct {
	// Trace and Span are zero for a record that belongs to none.
	Trace TraceID
	Span  SpanID
	// Time is when it happened, or was observed if nothing else is known.
	Time time.Time
	// Name is that of an event: of its field or, in older exports, of its
	// attribute event.name.
	Name       string
	Attributes Attributes
	Body       any
	Origin     *Origin
	// Digest is the hash of the record alone, without its origin.
	Digest [32]byte
}

// An Origin is who made a span or a log record: the resource, which is a
// process, and the scope, which is a library in it.
type Origin struct {
	Resource       Attributes
	Scope, Version string
}

// A Request is what one message holds: spans or log records.
type Request struct {
	Format Format
	Spans  []Span
	Logs   []Log
	// Refused says which spans and records were left out and why.
	Refused []error
}
