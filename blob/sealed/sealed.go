// Package sealed writes and reads the named JSON objects of the store. Each
// begins with its format and ends with the SHA-256 of the rest, so that a
// flipped or missing byte anywhere is found before anything is decoded:
//
//	{"format":"cohort.plan/1", ... ,"sha256":"<64 hexadecimal digits>"}
//
// The digest is that of the object without the sha256 field:
// {"format":"cohort.plan/1", ... }.
package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cohort-rl/cohort/blob"
)

// ErrCorrupt is blob.ErrCorrupt: the bytes are not those that were sealed.
var ErrCorrupt = blob.ErrCorrupt

// A FormatError says that an object is whole but of another format, such as
// that of a newer version.
type FormatError struct{ Got, Want string }

// Error names both formats.
func (e *FormatError) Error() string {
	return fmt.Sprintf("format is %q, this version reads %q", e.Got, e.Want)
}

// A SealError says that an object is not what its seal says: Want and Got are
// digests of the object without its seal. It matches ErrCorrupt.
type SealError struct{ Want, Got blob.Digest }

// Error names both digests.
func (e *SealError) Error() string {
	return fmt.Sprintf("%v: its seal says sha256 %s, its content has %s", ErrCorrupt, e.Want, e.Got)
}

// Unwrap returns ErrCorrupt.
func (e *SealError) Unwrap() error { return ErrCorrupt }

const (
	begin  = `{"format":"`
	middle = `,"sha256":"`
	digits = 64
	end    = `"}`
)

// Seal encodes v, a struct whose first field is Format with the JSON name
// format and not empty, and which has no field of the JSON name sha256. Equal
// values give equal bytes.
func Seal(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if !bytes.HasPrefix(body, []byte(begin)) || bytes.HasPrefix(body, []byte(begin+`"`)) {
		return nil, fmt.Errorf("seal %T: its first field is not a format with a value", v)
	}
	seal := blob.DigestOf(body)
	body = append(body[:len(body)-1], middle...)
	body = append(body, seal...)
	return append(body, end...), nil
}

// Open verifies the seal of body and its format, and then decodes it into v, a
// pointer to a zero value of the sealed type. An unknown field is an error.
// Errors: ErrCorrupt, *FormatError. Open does not change body.
func Open(body []byte, format string, v any) error {
	content, err := unseal(body)
	if err != nil {
		return err
	}
	got, _, _ := bytes.Cut(content[len(begin):], []byte{'"'})
	if string(got) != format {
		return &FormatError{Got: string(got), Want: format}
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("open %s: %w: %w", format, ErrCorrupt, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("open %s: %w: more than one value", format, ErrCorrupt)
	}
	return nil
}

// Verify verifies the seal of body and returns its format; nothing is decoded.
// Errors: ErrCorrupt, as a *SealError where the seal itself can be read.
func Verify(body []byte) (format string, err error) {
	content, err := unseal(body)
	if err != nil {
		return "", err
	}
	got, _, _ := bytes.Cut(content[len(begin):], []byte{'"'})
	return string(got), nil
}

// unseal returns a copy of body without its seal, verified.
func unseal(body []byte) ([]byte, error) {
	const tail = len(middle) + digits + len(end)
	if len(body) < len(begin)+tail {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrCorrupt, len(body))
	}
	cut := len(body) - tail
	seal := body[cut:]
	if !bytes.HasPrefix(body, []byte(begin)) || !bytes.HasPrefix(seal, []byte(middle)) || !bytes.HasSuffix(seal, []byte(end)) {
		return nil, fmt.Errorf("%w: it is not a sealed object", ErrCorrupt)
	}
	content := append(bytes.Clone(body[:cut]), '}')
	want := blob.Digest(seal[len(middle) : len(middle)+digits])
	if got := blob.DigestOf(content); got != want {
		return nil, &SealError{Want: want, Got: got}
	}
	return content, nil
}
