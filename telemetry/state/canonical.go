package state

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// Canonical returns the form of a JSON text in which it is hashed: RFC 8785
// (members sorted by the UTF-16 of their names, shortest strings, numbers as
// ECMAScript writes a double, no space), except that a number without fraction
// and exponent keeps its digits, for an id of 64 bits is no double. Names given
// twice, text that is not UTF-8, and what is over the limits are errors.
func Canonical(text []byte, limits Limits) ([]byte, error) {
	if len(text) > limits.Bytes {
		return nil, fmt.Errorf("%w: %d bytes, allowed are %d", ErrTooLarge, len(text), limits.Bytes)
	}
	if d := depth(text); d > limits.Depth {
		return nil, fmt.Errorf("%w: depth is %d, allowed is %d", ErrTooLarge, d, limits.Depth)
	}
	value := jsontext.Value(bytes.Clone(text))
	if err := value.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(value) > limits.Bytes { // 1e20 is written out
		return nil, fmt.Errorf("%w: %d bytes, allowed are %d", ErrTooLarge, len(value), limits.Bytes)
	}
	return value, nil
}

// encode returns the canonical form of a value.
func encode(value any, limits Limits) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return Canonical(text, limits)
}

// depth is how deep brackets lie in each other. The text need not be valid.
func depth(text []byte) int {
	open, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}
