// Package otlp reads what OpenTelemetry exporters send: requests with spans and
// requests with log records, in protobuf or in JSON.
//
// A request is recognised by what it is, never by its name ([Sniff]); what is
// none is refused with the reason and, where there is one, the remedy. Nothing
// read here can panic or take more than its [Limits] allow. A span or a log
// record that is damaged is left out and named, and the others of the request
// stay.
//
// The messages are those of go.opentelemetry.io/proto/otlp. OTLP's JSON is
// protobuf's JSON in all but one thing: ids of traces and spans are in
// hexadecimal, not in base64. Fields that are not known are passed over.
package otlp

// Limits bound one request.
type Limits struct {
	// Bytes is how long it may be.
	Bytes int
	// Depth is how deep messages, and so values, may lie in each other.
	Depth int
}

// DefaultLimits are 64 MiB and 200 levels.
func DefaultLimits() Limits { return Limits{Bytes: 64 << 20, Depth: 200} }
