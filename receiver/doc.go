// Package receiver takes what OpenTelemetry exporters send over HTTP, spans at
// /v1/traces and log records at /v1/logs, and puts it into a topic as the
// OpenTelemetry Collector's Kafka exporter does: one request in protobuf a
// message (otlp_proto), cut by trace, with the trace's id in hexadecimal as the
// key, so that a trace stays in one partition.
//
// A request is answered with success only once all replicas in sync have all of
// it that was not refused. An exporter that is told to come again (503 with
// Retry-After) may have left some of it in the topic: who reads it knows a span
// by its ids, and counts it once. Everything is bounded: bodies, what they unpack
// to, requests, bytes in memory, and the time until an answer.
package receiver

import (
	"log/slog"
	"time"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
)

// A Log is where records go.
type Log interface {
	// Write hands over records, which stay unchanged until done is called: once,
	// with nil when all replicas in sync have all of them, by until or little
	// later.
	Write(records []traces.Record, until time.Time, done func(error))
}

// An Observer is told what becomes of requests and records. Its methods are called
// by several goroutines at once.
type Observer interface {
	// Began is told of each request.
	Began()
	// Answered is told of the same with the status, and how long it took.
	Answered(signal otlp.Signal, status int, took time.Duration)
	// Accepted counts records that the log has, and what it took to acknowledge
	// those of one request.
	Accepted(signal otlp.Signal, records int, took time.Duration)
	// Refused counts records that were left out for good, by reason.
	Refused(signal otlp.Signal, reason string, records int)
}

// Limits bound a receiver.
type Limits struct {
	// Body is how many bytes a body may have, as it is sent and unpacked; one in
	// JSON a quarter.
	Body int64
	// Memory is how many bytes of all requests may be in memory at once.
	Memory int64
	// Requests is how many may be under way at once.
	Requests int
	// Receive is how long a body may take to come, Acknowledge how long the log
	// may take then. Exporters wait 10 s by default for both.
	Receive, Acknowledge time.Duration
	// Cut bounds the messages.
	Cut otlp.Bounds
}

// DefaultLimits are bodies of 64 MiB, 256 MiB in all, 256 requests; 10 s to
// receive, 8 s to acknowledge.
func DefaultLimits() Limits {
	return Limits{
		Body: 64 << 20, Memory: 256 << 20, Requests: 256,
		Receive: 10 * time.Second, Acknowledge: 8 * time.Second, Cut: otlp.DefaultBounds(),
	}
}

// Config is what a Server is made of. Log, Observer and Logger are required.
type Config struct {
	Log      Log
	Observer Observer
	Logger   *slog.Logger
	Limits   Limits
	// Token guards the server; empty lets everybody in.
	Token secret.Text
	// Grace is how long requests under way may go on when it stops.
	Grace time.Duration
}
