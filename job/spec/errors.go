package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxErrors bounds how many errors one spec can cause.
const maxErrors = 1000

// Error is one thing that is wrong with a spec.
type Error struct {
	File    string // as given to Decode
	Line    int    // counted from 1; 0 where there is no line
	Field   string // full path, such as grpo.clip_low; "" is the whole file
	Message string
}

// Error returns "file:line: field: message", without what is not known.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	b.WriteString(": " + e.Message)
	return strings.TrimPrefix(b.String(), ": ")
}

// Errors is everything that is wrong with a spec, sorted by line; reading stops at 1000.
type Errors []*Error

// Error returns one error a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors to errors.As.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, err := range e {
		errs[i] = err
	}
	return errs
}

// add notes an error unless there are too many.
func (d *decoder) add(line int, path, format string, args ...any) {
	d.bad[path] = true
	if len(d.errors) < maxErrors {
		d.errors = append(d.errors, &Error{d.file, line, path, fmt.Sprintf(format, args...)})
	}
}

// err returns the errors in the order of lines, or nil.
func (d *decoder) err() error {
	if len(d.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(d.errors, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	return d.errors
}
