package api

import (
	"fmt"
	"strings"
)

// Code names a kind of error, for programs.
type Code string

// The codes.
const (
	CodeInvalidRequest Code = "invalid_request"   // 400
	CodeUnauthorized   Code = "unauthorized"      // 401
	CodeForbidden      Code = "forbidden"         // 403
	CodeNotFound       Code = "not_found"         // 404: no such page
	CodeUnknownJob     Code = "unknown_job"       // 404
	CodeMethod         Code = "method"            // 405
	CodeKeyConflict    Code = "key_conflict"      // 409: the key stands for other content
	CodeEnded          Code = "job_ended"         // 409
	CodeRunning        Code = "job_running"       // 409: it has not ended
	CodeNeeded         Code = "job_needed"        // 409: another starts from it
	CodeTooLarge       Code = "too_large"         // 413
	CodeInvalidSpec    Code = "invalid_spec"      // 422
	CodeInternal       Code = "internal"          // 500
	CodeStore          Code = "store_unavailable" // 503
	CodeKafka          Code = "kafka_unavailable" // 503
	CodeBusy           Code = "busy"              // 503
	// CodeForeign is the client's own: what answers is no Cohort server.
	CodeForeign Code = "foreign"
)

// Field is one thing that is wrong with a spec or its data sets.
type Field struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Field   string `json:"field,omitempty"` // full path, such as grpo.clip_low
	Message string `json:"message"`
}

// String returns "file:line: field: message", without what is not known.
func (f Field) String() string {
	text := f.File
	if f.Line > 0 {
		text += fmt.Sprintf(":%d", f.Line)
	}
	if f.Field != "" {
		text += ": " + f.Field
	}
	return strings.TrimPrefix(text+": "+f.Message, ": ")
}

// Error is what the server answers instead of what was asked for. Message is a
// sentence, and Remedy what can be done, where something can.
type Error struct {
	Status  int     `json:"-"` // of HTTP
	Code    Code    `json:"code"`
	Message string  `json:"message"`
	Remedy  string  `json:"remedy,omitempty"`
	Fields  []Field `json:"fields,omitempty"`
}

// Error returns the message, and below it the fields, one a line.
func (e *Error) Error() string {
	lines := []string{e.Message}
	for _, f := range e.Fields {
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}

// Temporary says whether the same request may succeed later.
func (e *Error) Temporary() bool { return e.Status >= 502 && e.Status <= 504 || e.Status == 429 }

// failure is the body of every answer that is an error.
type failure struct {
	Error *Error `json:"error"`
}

// Unreachable says that no server answers.
type Unreachable struct {
	Server string // its address
	Err    error
}

// Error names the address, the flag that sets it and what starts a server.
func (e *Unreachable) Error() string {
	return fmt.Sprintf("no server answers at %s (%v): name another with --server URL, or start one with `cohort up` (or `coordinator`)", e.Server, e.Err)
}

// Unwrap returns what the connection failed with.
func (e *Unreachable) Unwrap() error { return e.Err }
