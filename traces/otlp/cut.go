package otlp

import (
	"errors"
	"fmt"

	collectlogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	collecttraces "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A Signal is what a request holds.
type Signal int

// The signals that are read.
const (
	Spans Signal = iota + 1
	Logs
)

// Signal is what requests of this form hold.
func (f Format) Signal() Signal {
	if f == LogsProto || f == LogsJSON {
		return Logs
	}
	return Spans
}

// JSON says whether the form is text.
func (f Format) JSON() bool { return f == TracesJSON || f == LogsJSON }

// Proto is a request in JSON as protobuf has it.
func Proto(body []byte, signal Signal, limits Limits) ([]byte, error) {
	if len(body) > limits.Bytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrNotOTLP, len(body), limits.Bytes)
	}
	var m proto.Message = &collecttraces.ExportTraceServiceRequest{}
	if signal == Logs {
		m = &collectlogs.ExportLogsServiceRequest{}
	}
	if err := unmarshal(body, true, limits.Depth, m); err != nil {
		return nil, fmt.Errorf("%w: damaged JSON: %w", ErrNotOTLP, err)
	}
	return proto.Marshal(m)
}

// Why a span or a log record is left out.
var (
	ErrID       = errors.New("its id is no id")
	ErrDamaged  = errors.New("it is damaged")
	ErrTooLarge = errors.New("it is larger than a message may be")
)

// ErrTooMany says that a request holds more than can be cut: send fewer spans at
// a time.
var ErrTooMany = errors.New("too much at a time")

// Bounds are those of a cut.
type Bounds struct {
	// Message is how many bytes a part may have.
	Message int
	// Records is how many spans or log records a request may hold.
	Records int
	// Grown is how many times the bytes of a request its parts may have together:
	// each repeats the resource.
	Grown int
	// Total is how many bytes the parts may have together in any case.
	Total int64
	// Depth is how deep messages may lie in each other.
	Depth int
}

// DefaultBounds are parts of 1 MB less what Kafka needs beside, 100,000 records,
// eight times the bytes and 128 MiB.
func DefaultBounds() Bounds {
	return Bounds{Message: 999_000, Records: 100_000, Grown: 8, Total: 128 << 20, Depth: DefaultLimits().Depth}
}

// A Part is a request in protobuf whose records all belong to one trace, or to
// none: then Trace is zero.
type Part struct {
	Trace   TraceID
	Body    []byte
	Records int
}

// A Refusal says why records were left out, and how many.
type Refusal struct {
	Reason  error
	Records int
}

// Cuts are what comes of a request.
type Cuts struct {
	Parts   []Part
	Refused []Refusal
	// Kept and Left count the records in Parts and in Refused.
	Kept, Left int
}

// Cut cuts a request in protobuf so that each part holds one trace, in the order
// in which the traces first come; records of one trace keep their order. A trace
// that is larger than a part may be has several. A request of one trace is a part
// as it is, and shares the memory of body. Every part can be read by [Decode];
// records that could not be are left out. The error wraps [ErrNotOTLP] or
// [ErrTooMany].
func Cut(body []byte, signal Signal, bounds Bounds) (Cuts, error) {
	c := cutter{bounds: bounds, signal: signal, traces: map[TraceID]int{}}
	if err := c.request(body); err != nil {
		return Cuts{}, err
	}
	if c.whole(body) {
		c.cuts.Kept = len(c.pieces)
		c.cuts.Parts = []Part{{Trace: c.order[0], Body: body, Records: len(c.pieces)}}
		return c.cuts, nil
	}
	budget := min(int64(bounds.Grown)*int64(len(body))+1<<20, bounds.Total)
	if need := c.size(); need > budget {
		return Cuts{}, fmt.Errorf("%w: %d traces, each with its resource, make %d bytes of %d, at most %d are taken: send fewer in a batch",
			ErrTooMany, len(c.order), need, len(body), budget)
	}
	c.build()
	return c.cuts, nil
}

// refuse leaves records out.
func (c *cutter) refuse(reason error, records int) {
	c.cuts.Left += records
	for i := range c.cuts.Refused {
		if errors.Is(reason, c.cuts.Refused[i].Reason) || reason.Error() == c.cuts.Refused[i].Reason.Error() {
			c.cuts.Refused[i].Records += records
			return
		}
	}
	if len(c.cuts.Refused) < maxRefusals {
		c.cuts.Refused = append(c.cuts.Refused, Refusal{reason, records})
		return
	}
	c.cuts.Refused[maxRefusals-1].Records += records
}

// maxRefusals bounds the reasons that are told apart.
const maxRefusals = 8
