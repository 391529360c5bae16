package otlp

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
)

// A Format is a form in which OTLP comes.
type Format int

// The forms.
const (
	TracesProto Format = iota + 1
	TracesJSON
	LogsProto
	LogsJSON
)

// String is the form in words.
func (f Format) String() string {
	switch f {
	case TracesProto:
		return "OTLP traces in protobuf"
	case TracesJSON:
		return "OTLP traces in JSON"
	case LogsProto:
		return "OTLP logs in protobuf"
	case LogsJSON:
		return "OTLP logs in JSON"
	}
	return fmt.Sprintf("Format(%d)", int(f))
}

// ErrNotOTLP says that a message is no request with spans or log records.
var ErrNotOTLP = errors.New("not OTLP")

// Sniff recognises a message by its first record. It says nothing about the
// rest.
func Sniff(body []byte) (Format, error) {
	switch {
	case len(body) == 0:
		return 0, fmt.Errorf("%w: it is empty", ErrNotOTLP)
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		return 0, fmt.Errorf("%w: it is compressed with gzip; unpack it first", ErrNotOTLP)
	case bytes.HasPrefix(body, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return 0, fmt.Errorf("%w: it is compressed with zstd; unpack it first", ErrNotOTLP)
	}
	if text := bytes.TrimLeft(body, " \t\r\n\ufeff"); len(text) > 0 && text[0] == '{' {
		return sniffJSON(text)
	}
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) > 0 && text[0] == '[' && jsontext.Value(text).IsValid() {
		return 0, fmt.Errorf("%w: the JSON is a list; write its items on lines of their own", ErrNotOTLP)
	}
	return sniffProto(body)
}

// sniffJSON looks at the names of the outermost object, up to the first that
// tells.
func sniffJSON(body []byte) (Format, error) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	if _, err := d.ReadToken(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotOTLP, err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrNotOTLP, err)
		}
		switch name.String() {
		case "resourceSpans", "resource_spans":
			return TracesJSON, nil
		case "resourceLogs", "resource_logs":
			return LogsJSON, nil
		case "resourceMetrics", "resource_metrics":
			return 0, fmt.Errorf("%w: it holds metrics, which are no traces", ErrNotOTLP)
		}
		if err := d.SkipValue(); err != nil {
			return 0, fmt.Errorf("%w: %w", ErrNotOTLP, err)
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotOTLP, err)
	}
	return 0, fmt.Errorf("%w: the JSON has neither resourceSpans nor resourceLogs", ErrNotOTLP)
}

// recordWires are the wire types of a record's fields.
type recordWires map[protowire.Number]protowire.Type

// A span and a log record lie at the same place of their requests. What tells
// them apart are the types of their fields.
func spanWires() recordWires {
	return recordWires{
		1: protowire.BytesType, 2: protowire.BytesType, 3: protowire.BytesType, 4: protowire.BytesType, 5: protowire.BytesType,
		6: protowire.VarintType, 7: protowire.Fixed64Type, 8: protowire.Fixed64Type, 9: protowire.BytesType, 10: protowire.VarintType,
		11: protowire.BytesType, 12: protowire.VarintType, 13: protowire.BytesType, 14: protowire.VarintType, 15: protowire.BytesType,
		16: protowire.Fixed32Type,
	}
}

func logWires() recordWires {
	return recordWires{
		1: protowire.Fixed64Type, 2: protowire.VarintType, 3: protowire.BytesType, 5: protowire.BytesType, 6: protowire.BytesType,
		7: protowire.VarintType, 8: protowire.Fixed32Type, 9: protowire.BytesType, 10: protowire.BytesType, 11: protowire.Fixed64Type,
		12: protowire.BytesType,
	}
}

// fit reports whether every field of a record that is known has its type, and
// whether there is any that looks like one.
func (w recordWires) fit(record []byte, looks func(number protowire.Number, size int) bool) bool {
	evidence := false
	for len(record) > 0 {
		number, wire, n := protowire.ConsumeField(record)
		if n < 0 {
			return false
		}
		if want, ok := w[number]; ok {
			if want != wire {
				return false
			}
			evidence = evidence || looks(number, n)
		}
		record = record[n:]
	}
	return evidence
}

// looksLikeSpan: a span has times, or an id of 16 bytes behind a tag and a
// length. A metric, which begins with two texts as well, has neither.
func looksLikeSpan(number protowire.Number, size int) bool {
	return number == 7 || number == 8 || (number == 1 && size == 18)
}

func looksLikeLog(protowire.Number, int) bool { return true }

// sniffProto walks to the first record: field 1 (a resource's), in it field 2 (a
// scope's), in it field 2.
func sniffProto(body []byte) (Format, error) {
	record, err := firstRecord(body)
	switch {
	case errors.Is(err, io.EOF):
		return TracesProto, nil // A request without a record holds neither.
	case err != nil:
		return 0, fmt.Errorf("%w: neither JSON nor protobuf: %w", ErrNotOTLP, err)
	case spanWires().fit(record, looksLikeSpan):
		return TracesProto, nil
	case logWires().fit(record, looksLikeLog):
		return LogsProto, nil
	}
	return 0, fmt.Errorf("%w: its first record is neither a span nor a log record", ErrNotOTLP)
}

// firstRecord returns io.EOF if the request holds no record, and what is wrong
// with the bytes if they are no such request.
func firstRecord(body []byte) ([]byte, error) {
	return descend(body, []protowire.Number{1, 2, 2})
}

func descend(body []byte, path []protowire.Number) ([]byte, error) {
	if len(path) == 0 {
		return body, nil
	}
	for at := 0; at < len(body); {
		number, wire, n := protowire.ConsumeTag(body[at:])
		if n < 0 {
			return nil, fmt.Errorf("at byte %d: %w", at, protowire.ParseError(n))
		}
		size := protowire.ConsumeFieldValue(number, wire, body[at+n:])
		if size < 0 {
			return nil, fmt.Errorf("at byte %d: %w", at, cutOff(body[at+n:], wire, size))
		}
		if number == path[0] {
			inner, m := protowire.ConsumeBytes(body[at+n:])
			if wire != protowire.BytesType || m < 0 {
				return nil, fmt.Errorf("at byte %d: field %d is no message", at, number)
			}
			found, err := descend(inner, path[1:])
			if !errors.Is(err, io.EOF) {
				return found, err
			}
		} else if len(path) == 3 {
			return nil, fmt.Errorf("at byte %d: a request has no field %d", at, number)
		}
		at += n + size
	}
	return nil, io.EOF
}

// cutOff says how much a field claims to hold, if it claims more than there is.
func cutOff(rest []byte, wire protowire.Type, code int) error {
	if claimed, n := protowire.ConsumeVarint(rest); wire == protowire.BytesType && n > 0 && claimed > uint64(len(rest)-n) {
		return fmt.Errorf("a field claims %d bytes, %d are there", claimed, len(rest)-n)
	}
	return protowire.ParseError(code)
}
