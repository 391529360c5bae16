package telemetry

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/cohort-rl/cohort/telemetry/redact"
)

// conceal returns an event without the secrets in its attributes, in the texts
// of an Error and in the input and output of a ToolCall. What the caller passed
// stays as it is.
func conceal(r redact.Redactor, e Event) Event {
	e.Attributes = redact.Attributes(r, e.Attributes)
	switch b := e.Body.(type) {
	case Error:
		b.Message = clip(r.Text(b.Message), maxMessage)
		b.Causes = slices.Clone(b.Causes)
		for i := range b.Causes {
			b.Causes[i].Message = clip(r.Text(b.Causes[i].Message), maxMessage)
		}
		e.Body = b
	case ToolCall:
		b.Input, b.Output = concealBytes(r, b.Input), concealBytes(r, b.Output)
		e.Body = b
	}
	return e
}

// refuseSecrets refuses a state that holds secrets. They cannot be taken out of
// it without making its hash and the differences from it wrong.
func refuseSecrets(r redact.Redactor, body Body) error {
	if s, ok := body.(State); ok && r.Holds(s.Document) {
		return fmt.Errorf("%w: the state holds what the redactor knows as a secret; Thread.State records it without", ErrInvalidEvent)
	}
	return nil
}

// concealBytes redacts what is text.
func concealBytes(r redact.Redactor, content []byte) []byte {
	if len(content) == 0 || !utf8.Valid(content) {
		return content
	}
	return []byte(r.Text(string(content)))
}
