package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// errTooDeep says that values lie in each other deeper than the limit allows.
var errTooDeep = errors.New("nested too deeply")

// protoJSON is a request in OTLP's JSON as protobuf's JSON has it: the ids of
// traces and spans, which only members of these names hold, in base64. An id that
// is in base64 already stays; padded as it is, it is never hexadecimal. Several
// members of one name are refused.
func protoJSON(body []byte, depth int) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(body))
	d := jsontext.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	e := jsontext.NewEncoder(&out)
	id := false // The next token is the value of an id's member.
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) && d.StackDepth() == 0 {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		if d.StackDepth() > depth {
			return nil, fmt.Errorf("at byte %d: %w: more than %d levels", d.InputOffset(), errTooDeep, depth)
		}
		if id && token.Kind() == '"' {
			if raw, err := hex.DecodeString(token.String()); err == nil {
				token = jsontext.String(base64.StdEncoding.EncodeToString(raw))
			}
		}
		id = false
		if kind, n := d.StackIndex(d.StackDepth()); token.Kind() == '"' && kind == '{' && n%2 == 1 {
			switch token.String() {
			case "traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id":
				id = true
			}
		}
		if err := e.WriteToken(token); err != nil {
			return nil, err
		}
	}
}
