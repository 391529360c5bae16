package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/api"
)

// Exit codes.
const (
	exitFailure = 1 // what was asked for did not come about
	exitUsage   = 2 // a wrong flag or spec: nothing was done
)

// usageError is a mistake in what the user typed or wrote.
type usageError struct{ err error }

func usage(err error) error { return &usageError{err} }

// Error is the mistake.
func (e *usageError) Error() string { return e.err.Error() }

// Unwrap returns the mistake.
func (e *usageError) Unwrap() error { return e.err }

// usageOf is a parser's error with the help to read.
func usageOf(err error) error {
	help := "cohort"
	if wrong, ok := errors.AsType[*kong.ParseError](err); ok && wrong.Context != nil {
		if node := wrong.Context.Selected(); node != nil {
			help += " " + node.Path()
		}
	}
	text := strings.ReplaceAll(strings.TrimRight(err.Error(), ".?!"), `","`, `", "`)
	return usage(fmt.Errorf("%s; see `%s --help`", text, help))
}

// complain writes an error as one sentence a line and returns the exit code.
func complain(out io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code := exitFailure
	if _, ok := errors.AsType[*usageError](err); ok {
		code = exitUsage
	}
	text := err.Error()
	if said, ok := errors.AsType[*api.Error](err); ok {
		if said.Remedy != "" {
			text = strings.Replace(text, said.Message, strings.TrimRight(said.Message, ".")+": "+said.Remedy, 1)
		}
		if said.Code == api.CodeInvalidSpec {
			code = exitUsage
		}
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, ".\n")
		if !strings.HasSuffix(line, "?") {
			line += "."
		}
		_, _ = fmt.Fprintf(out, "cohort: %s\n", line) // Where it cannot be said, the code still tells.
	}
	return code
}
