package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Bounds of what describe takes from an error, so that no error is too large
// to be recorded.
const (
	maxCauses  = 16
	maxMessage = 4096
	maxClass   = 128
)

// classMore is the class of the last cause when there were more.
const classMore = "more causes"

// describe turns a Go error into the body that records it. Causes are all that
// it wraps, depth first, so that each branch of joined errors follows whole.
func describe(node string, err error) Error {
	if err == nil {
		return Error{Class: "unknown", Node: node}
	}
	e := Error{Class: ErrorClass(err), Message: clip(err.Error(), maxMessage), Node: node}
	left := 0
	var follow func(err error)
	follow = func(err error) {
		for _, cause := range wrapped(err) {
			if len(e.Causes) < maxCauses {
				e.Causes = append(e.Causes, Cause{Class: typeOf(cause), Message: clip(cause.Error(), maxMessage)})
			} else {
				left++
			}
			follow(cause)
		}
	}
	follow(err)
	if left > 0 {
		e.Causes[maxCauses-1] = Cause{Class: classMore, Message: fmt.Sprintf("and %d more", left+1)}
	}
	return e
}

// wrapped are the errors that an error wraps directly.
func wrapped(err error) []error {
	var inner []error
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		inner = many.Unwrap()
	} else if one := errors.Unwrap(err); one != nil {
		inner = []error{one}
	}
	all := make([]error, 0, len(inner))
	for _, e := range inner {
		if e != nil {
			all = append(all, e)
		}
	}
	return all
}

// ErrorClass is the class under which an error is recorded and counted: what its
// method ErrorClass() string says, or its Go type. An error that only adds words
// to another (fmt.Errorf with one %w, a *NodeError) has the other's class.
func ErrorClass(err error) string {
	for {
		if named, ok := err.(interface{ ErrorClass() string }); ok {
			if class := oneLine(named.ErrorClass()); class != "" {
				return class
			}
		}
		inner := errors.Unwrap(err)
		if _, node := err.(*NodeError); inner == nil || (!node && typeOf(err) != "*fmt.wrapError") { //nolint:errorlint // the chain is walked here
			return typeOf(err)
		}
		err = inner
	}
}

// typeOf is the Go type of an error.
func typeOf(err error) string { return oneLine(fmt.Sprintf("%T", err)) }

// oneLine makes a text fit for a class.
func oneLine(s string) string {
	return clip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s), maxClass)
}

// line is a text as one line of at most limit bytes.
func line(s string, limit int) string {
	return clip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s), limit)
}

// clip cuts a text to limit bytes of valid UTF-8.
func clip(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}
