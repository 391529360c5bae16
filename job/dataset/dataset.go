// Package dataset reads the data sets of a job: JSON Lines, one task a line.
// It is pure: bytes in, values out.
package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/cohort-rl/cohort/blob"
)

// Bounds of a data set.
const (
	MaxBytes     = blob.MaxObject // of the file
	MaxLineBytes = 1 << 20
	MaxLines     = 1_000_000
)

// ErrTooLarge is returned for a file, a line or a number of lines past the bounds.
var ErrTooLarge = errors.New("data set too large")

// ErrNotJSONLines is returned for a file that is not one JSON object a line.
var ErrNotJSONLines = errors.New("not JSON Lines")

// Dataset is a data set whose every line is a JSON object.
type Dataset struct {
	Lines  []json.RawMessage // without line ends; they share the file's memory
	Digest blob.Digest       // of the file's bytes
}

// LineError is what is wrong with a data set. It wraps ErrTooLarge or
// ErrNotJSONLines.
type LineError struct {
	File string // as given to Parse
	Line int    // counted from 1; 0 is the whole file
	Err  error
}

// Error returns "file:line: what is wrong".
func (e *LineError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns Err.
func (e *LineError) Unwrap() error { return e.Err }

// Parse reads a data set; file is its name in errors, which are of type
// *LineError. Each line must be one JSON object in UTF-8; a last line end is
// optional, empty lines are refused. The caller must not change data afterwards.
func Parse(file string, data []byte) (*Dataset, error) {
	if len(data) > MaxBytes {
		return nil, &LineError{file, 0, fmt.Errorf("%w: %d bytes (allowed: at most %d)", ErrTooLarge, len(data), MaxBytes)}
	}
	if len(data) == 0 {
		return nil, &LineError{file, 0, fmt.Errorf("%w: the file is empty", ErrNotJSONLines)}
	}
	d := &Dataset{Digest: blob.DigestOf(data)}
	for rest := bytes.TrimSuffix(data, []byte("\n")); rest != nil; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i:i], rest[i+1:]
		} else {
			rest = nil
		}
		line = bytes.Trim(line, " \t\r")
		if err := check(line, len(d.Lines)); err != nil {
			return nil, &LineError{file, len(d.Lines) + 1, err}
		}
		d.Lines = append(d.Lines, json.RawMessage(line))
	}
	return d, nil
}

// check says what is wrong with a line before which there were n.
func check(line []byte, n int) error {
	switch {
	case n >= MaxLines:
		return fmt.Errorf("%w: more than %d lines", ErrTooLarge, MaxLines)
	case len(line) > MaxLineBytes:
		return fmt.Errorf("%w: the line has %d bytes (allowed: at most %d)", ErrTooLarge, len(line), MaxLineBytes)
	case len(line) == 0:
		return fmt.Errorf("%w: the line is empty; each line is one JSON object", ErrNotJSONLines)
	case bytes.HasPrefix(line, []byte("\ufeff")):
		return fmt.Errorf("%w: the line starts with a byte order mark; save the file as plain UTF-8", ErrNotJSONLines)
	case !utf8.Valid(line):
		return fmt.Errorf("%w: the line is not UTF-8", ErrNotJSONLines)
	case line[0] != '{':
		return fmt.Errorf("%w: the line is not a JSON object, which starts with {", ErrNotJSONLines)
	}
	if !json.Valid(line) {
		var v json.RawMessage
		return fmt.Errorf("%w: %w", ErrNotJSONLines, json.Unmarshal(line, &v))
	}
	return nil
}
