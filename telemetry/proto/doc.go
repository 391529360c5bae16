// Package telemetrypb holds the generated Go of event.proto, the payload of a
// telemetry frame. Package telemetry converts it to and from plain structs;
// readers in other languages generate their own from the same file.
package telemetrypb
