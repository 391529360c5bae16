package telemetry

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of what describe takes from an error, so that no error is too large
// to be recorded.
const (
	maxCauses  = 16
	maxMessage = 4096
	maxClass   = 128
)

// describe turns a Go error into the body that records it. Of joined errors
// it follows the first.
func describe(node string, err error) Error {
	if err == nil {
		return Error{Class: "unknown", Node: node}
	}
	e := Error{Class: class(err), Message: clip(err.Error(), maxMessage), Node: node}
	for cause := unwrap(err); cause != nil && len(e.Causes) < maxCauses; cause = unwrap(cause) {
		e.Causes = append(e.Causes, Cause{Class: class(cause), Message: clip(cause.Error(), maxMessage)})
	}
	return e
}

func unwrap(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		if errs := many.Unwrap(); len(errs) > 0 {
			return errs[0]
		}
		return nil
	}
	return errors.Unwrap(err)
}

func class(err error) string {
	return clip(fmt.Sprintf("%T", err), maxClass)
}

// clip cuts a text to limit bytes of valid UTF-8.
func clip(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	return strings.ToValidUTF8(s, "")
}
