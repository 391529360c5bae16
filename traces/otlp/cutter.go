package otlp

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A piece is a record of a request, with its tag and length.
type piece struct {
	origin int32 // its resource and scope
	trace  int32
	raw    []byte
}

// An envelope is what lies around records: the fields of a resource's message and
// of a scope's, but for what is cut.
type envelope struct {
	resource, scope []byte
	group           int32 // of the resource
}

// cutter takes a request apart.
type cutter struct {
	bounds  Bounds
	signal  Signal
	cuts    Cuts
	pieces  []piece
	origins []envelope
	traces  map[TraceID]int
	order   []TraceID
	groups  int32
	strange bool // there is something beside resources
}

// eachField hands the fields of a message to take: of a field that is no message
// or text, inner is nil.
func eachField(b []byte, take func(n protowire.Number, raw, inner []byte) error) error {
	for len(b) > 0 {
		n, wire, tag := protowire.ConsumeTag(b)
		if tag < 0 {
			return protowire.ParseError(tag)
		}
		if wire == protowire.StartGroupType {
			return fmt.Errorf("%w: number %d", errWire, n)
		}
		size := protowire.ConsumeFieldValue(n, wire, b[tag:])
		if size < 0 {
			return cutOff(b[tag:], wire, size)
		}
		var inner []byte
		if wire == protowire.BytesType {
			inner, _ = protowire.ConsumeBytes(b[tag:])
			if inner == nil {
				inner = []byte{}
			}
		}
		if err := take(n, b[:tag+size], inner); err != nil {
			return err
		}
		b = b[tag+size:]
	}
	return nil
}

func (c *cutter) request(body []byte) error {
	err := eachField(body, func(n protowire.Number, _, inner []byte) error {
		if n != 1 {
			c.strange = true
			return nil
		}
		if inner == nil {
			return fmt.Errorf("%w: number 1", errWire)
		}
		return c.resource(inner)
	})
	if err != nil {
		return fmt.Errorf("%w: neither JSON nor protobuf of %v: %w", ErrNotOTLP, c.form(), err)
	}
	if len(c.pieces)+c.cuts.Left > c.bounds.Records {
		return fmt.Errorf("%w: %d records, at most %d are taken: send fewer in a batch", ErrTooMany, len(c.pieces)+c.cuts.Left, c.bounds.Records)
	}
	return nil
}

func (c *cutter) form() Format {
	if c.signal == Logs {
		return LogsProto
	}
	return TracesProto
}

// resource takes the message of a resource: its fields first, for they may come
// after what lies in it.
func (c *cutter) resource(b []byte) error {
	var rest []byte
	err := eachField(b, func(n protowire.Number, raw, inner []byte) error {
		if n == 2 && inner != nil {
			return nil
		}
		rest = append(rest, raw...)
		return checkAround(n, inner, resourceShape, c.bounds.Depth)
	})
	if err != nil {
		return err
	}
	group := c.groups
	c.groups++
	return eachField(b, func(n protowire.Number, _, inner []byte) error {
		if n != 2 || inner == nil {
			return nil
		}
		return c.scope(inner, envelope{resource: rest, group: group})
	})
}

// checkAround checks a field of the message of a resource or a scope: what it is,
// and the address of its schema.
func checkAround(n protowire.Number, inner []byte, of shape, depth int) error {
	switch {
	case n <= 3 && inner == nil:
		return fmt.Errorf("%w: number %d", errWire, n)
	case n == 1:
		return of.check(inner, depth-4)
	case n == 3 && !utf8.Valid(inner):
		return errText
	}
	return nil
}

func (c *cutter) scope(b []byte, around envelope) error {
	err := eachField(b, func(n protowire.Number, raw, inner []byte) error {
		if n == 2 && inner != nil {
			return nil
		}
		around.scope = append(around.scope, raw...)
		return checkAround(n, inner, scopeShape, c.bounds.Depth)
	})
	if err != nil {
		return err
	}
	origin := int32(-1)
	return eachField(b, func(n protowire.Number, raw, inner []byte) error {
		if n != 2 || inner == nil {
			return nil
		}
		if len(c.pieces)+c.cuts.Left > c.bounds.Records {
			return nil // It is refused whole.
		}
		trace, err := c.record(inner)
		if err != nil {
			c.refuse(err, 1)
			return nil
		}
		if origin < 0 {
			origin = int32(len(c.origins)) //nolint:gosec // at most one a record
			c.origins = append(c.origins, around)
		}
		c.pieces = append(c.pieces, piece{origin, c.place(trace), raw})
		return nil
	})
}

// place is where a trace comes among those of the request.
func (c *cutter) place(trace TraceID) int32 {
	at, ok := c.traces[trace]
	if !ok {
		at = len(c.order)
		c.traces[trace] = at
		c.order = append(c.order, trace)
	}
	return int32(at) //nolint:gosec // at most one a record
}

// record reads the trace of a span or a log record, and says why it is left out.
func (c *cutter) record(b []byte) (trace TraceID, err error) {
	of, traceField, spanField := spanShape, protowire.Number(1), protowire.Number(2)
	if c.signal == Logs {
		of, traceField, spanField = logShape, 9, 10
	}
	if err := of.check(b, c.bounds.Depth-4); err != nil {
		return trace, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var span SpanID
	optional := c.signal == Logs
	var traceID, spanID []byte
	known := false // as what it is, by Sniff
	_ = eachField(b, func(n protowire.Number, raw, inner []byte) error {
		if n == traceField {
			traceID = inner
		} else if n == spanField {
			spanID = inner
		}
		if c.signal == Logs {
			_, ok := of.member(n)
			known = known || ok
			return nil
		}
		known = known || looksLikeSpan(n, len(raw))
		return nil
	}) // It was checked.
	if err := idTo(trace[:], traceID, "trace", optional); err != nil {
		return trace, fmt.Errorf("%w: %w", ErrID, err)
	}
	if err := idTo(span[:], spanID, "span", optional); err != nil {
		return trace, fmt.Errorf("%w: %w", ErrID, err)
	}
	if !known {
		return trace, fmt.Errorf("%w: it has no field that tells what it is", ErrDamaged)
	}
	return trace, nil
}
