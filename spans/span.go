package spans

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/cohort-rl/cohort/clock"
)

// maxDescription bounds what a span says of an error, in bytes.
const maxDescription = 1000

// Span is a span under way, which End ends. A nil Span is none.
type Span struct {
	span  trace.Span
	clock clock.Clock
}

// End ends the span of what was done with ctx. An error is how it failed; when
// ctx has ended it says that it was stopped, which is no failure.
func (s *Span) End(ctx context.Context, err error) {
	if s == nil {
		return
	}
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled):
		s.outcome("stopped")
	default:
		s.span.SetStatus(codes.Error, describe(err.Error()))
	}
	s.end()
}

// PutDown ends the span of what nobody waits for any more.
func (s *Span) PutDown() {
	if s == nil {
		return
	}
	s.outcome("put down")
	s.end()
}

func (s *Span) outcome(o string) { s.span.SetAttributes(attribute.String("cohort.outcome", o)) }

func (s *Span) end() { s.span.End(trace.WithTimestamp(s.clock.Now())) }

// describe bounds a text.
func describe(text string) string {
	if len(text) > maxDescription {
		text = text[:maxDescription]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
