package telemetry

import (
	"reflect"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/telemetry/redact"
)

// Redacted stands where a secret was.
const Redacted = redact.Mark

// redactor takes secrets out of what leaves for the dead letters.
type redactor struct{ redact.Redactor }

// event takes secrets out of attributes and of errors' messages, and counts
// them. What it changes it copies.
func (r redactor) event(e *Event) (n int) {
	for i, a := range e.Attributes {
		clean := r.Value(a.Key, a.Value)
		if clean == a.Value {
			continue
		}
		if n == 0 {
			e.Attributes = slices.Clone(e.Attributes)
		}
		e.Attributes[i].Value = clean
		n++
	}
	failure, ok := e.Body.(Error)
	if !ok {
		return n
	}
	texts := []*string{&failure.Message}
	failure.Causes = slices.Clone(failure.Causes)
	for i := range failure.Causes {
		texts = append(texts, &failure.Causes[i].Message)
	}
	for _, text := range texts {
		if clean := r.Text(*text); clean != *text {
			*text = clean
			n++
		}
	}
	e.Body = failure
	return n
}

// baggage takes the values of secret members out of a W3C baggage header.
func (r redactor) baggage(s string) (string, int) {
	members, n := strings.Split(s, ","), 0
	for i, m := range members {
		if key, value, ok := strings.Cut(m, "="); ok && r.Value(strings.TrimSpace(key), value) != value {
			members[i] = key + "=redacted"
			n++
		}
	}
	return strings.Join(members, ","), n
}

// Alike reports whether two events are the same but for what was redacted in
// one of them on its way through the dead letters.
func Alike(a, b Event) bool {
	if len(a.Attributes) != len(b.Attributes) {
		return false
	}
	for i := range a.Attributes {
		if a.Attributes[i].Key != b.Attributes[i].Key || !alike(a.Attributes[i].Value, b.Attributes[i].Value) {
			return false
		}
	}
	a.Attributes, b.Attributes = nil, nil
	x, xOK := a.Body.(Error)
	y, yOK := b.Body.(Error)
	if xOK && yOK && len(x.Causes) == len(y.Causes) && alike(x.Message, y.Message) {
		for i := range x.Causes {
			if !alike(x.Causes[i].Message, y.Causes[i].Message) {
				return false
			}
		}
		x.Message, y.Message = "", ""
		x.Causes, y.Causes = classes(x.Causes), classes(y.Causes)
		a.Body, b.Body = x, y
	}
	return reflect.DeepEqual(a, b)
}

// alike reports whether two texts are the same, or one has a secret taken out.
func alike(a, b string) bool {
	return a == b || strings.Contains(a, Redacted) || strings.Contains(b, Redacted)
}

func classes(causes []Cause) []Cause {
	var bare []Cause
	for _, c := range causes {
		bare = append(bare, Cause{Class: c.Class})
	}
	return bare
}
