// Package secret holds text that must never be printed: passwords, keys, tokens.
package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Text is text that prints as [redacted], whatever prints it: fmt with any verb,
// JSON, YAML, slog, the help of a command. Reveal returns it.
type Text string

const redacted = "[redacted]"

// Reveal returns the text itself, for whoever has to send it.
func (t Text) Reveal() string { return string(t) }

// Format implements fmt.Formatter.
func (t Text) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// String implements fmt.Stringer, for those who call it themselves.
func (t Text) String() string { return redacted }

// LogValue implements slog.LogValuer.
func (t Text) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and so JSON and YAML.
func (t Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText implements encoding.TextUnmarshaler, for flags and files.
func (t *Text) UnmarshalText(text []byte) error {
	*t = Text(text)
	return nil
}

// MaxFile bounds the file of a secret, in bytes.
const MaxFile = 4 << 10

// Choose returns what was given, or else what the file holds, without the white
// space around it; with neither it is empty. Errors tell nothing of the content.
func Choose(given Text, file string) (Text, error) {
	if file == "" {
		return given, nil
	}
	if given != "" {
		return "", errors.New("it is given twice, as text and as file: take one away")
	}
	f, err := os.Open(file) //nolint:gosec // the file is the user's choice
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return "", err
	}
	if len(body) > MaxFile {
		return "", fmt.Errorf("%s is no secret: it has more than %d bytes", file, MaxFile)
	}
	text := strings.TrimSpace(string(body))
	if text == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return Text(text), nil
}
