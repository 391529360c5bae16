// Package export sends spans to an OpenTelemetry collector over OTLP/HTTP, with
// the official SDK and exporter. Nothing waits for it: spans pass through a
// bounded queue, what does not fit or is not taken is counted, and what goes
// wrong is logged once per interval. It changes nothing global.
package export
