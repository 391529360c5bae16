package receiver

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/cohort-rl/cohort/traces/otlp"
)

// An encoding is how a body is written, and so its answer.
type encoding int

const (
	unknown encoding = iota
	binary
	textual
)

const (
	typeProto = "application/x-protobuf"
	typeJSON  = "application/json"
)

// form is the encoding of a request's body.
func form(r *http.Request) encoding {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && media == typeProto:
		return binary
	case err == nil && media == typeJSON:
		return textual
	}
	return unknown
}

// An answer is what is said to an exporter.
type answer struct {
	status  int
	signal  otlp.Signal
	refused int
	message string
	again   bool // it may come again
}

// accepted is the answer to a request of which all is kept but what is counted.
func accepted(signal otlp.Signal, refused int, message string) answer {
	return answer{status: http.StatusOK, signal: signal, refused: refused, message: message}
}

// failed is an answer that ends a request: it is not to be sent again.
func failed(status int, message string) answer { return answer{status: status, message: message} }

// busy asks for the same once more. It is 503 even where too much came at once,
// because exporters of several languages do not come again after 429.
func busy(message string) answer {
	return answer{status: http.StatusServiceUnavailable, message: message, again: true}
}

// retryAfter is when an exporter should come again, in seconds.
const retryAfter = 1

// maxMessage bounds what an answer says.
const maxMessage = 1000

// Codes of google.rpc.Status.
func code(status int) int {
	switch status {
	case http.StatusUnauthorized:
		return 16
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return 12
	case http.StatusRequestEntityTooLarge:
		return 8
	case http.StatusRequestTimeout:
		return 4
	case http.StatusServiceUnavailable:
		return 14
	}
	return 3
}

// write writes an answer in the encoding of the request, or else in JSON.
func write(w http.ResponseWriter, as encoding, a answer) {
	if len(a.message) > maxMessage {
		a.message = a.message[:maxMessage]
	}
	a.message = strings.ToValidUTF8(strings.ReplaceAll(a.message, "\u00a0", " "), "?")
	body, kind := a.json(), typeJSON
	if as == binary {
		body, kind = a.proto(), typeProto
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if a.again {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	if a.status == http.StatusRequestEntityTooLarge || a.status == http.StatusRequestTimeout {
		w.Header().Set("Connection", "close") // What is left of the body is not read.
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(body) // Whoever has gone does not hear it.
}

// proto is the answer as an Export...ServiceResponse, or as google.rpc.Status.
func (a answer) proto() []byte {
	var b []byte
	if a.status != http.StatusOK {
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), uint64(code(a.status))) //nolint:gosec // small
		return protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), a.message)
	}
	if a.refused == 0 {
		return b
	}
	partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(a.refused)) //nolint:gosec // a count
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), a.message)
	return protowire.AppendBytes(protowire.AppendTag(b, 1, protowire.BytesType), partial)
}

// json is the same in JSON.
func (a answer) json() []byte {
	var v any = struct{}{}
	switch name := "rejectedSpans"; {
	case a.status != http.StatusOK:
		v = map[string]any{"code": code(a.status), "message": a.message}
	case a.refused > 0:
		if a.signal == otlp.Logs {
			name = "rejectedLogRecords"
		}
		v = map[string]any{"partialSuccess": map[string]any{name: strconv.Itoa(a.refused), "errorMessage": a.message}}
	}
	body, err := json.Marshal(v)
	if err != nil {
		return []byte("{}") // Texts and numbers always have a form.
	}
	return body
}
