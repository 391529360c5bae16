package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// ReadHeader reads and checks a header. What follows in r are DataSize bytes of
// arrays. Errors wrap ErrFormat, or are those of r.
func ReadHeader(r io.Reader) (Header, error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return Header{}, truncated("length of the header", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > MaxHeader {
		return Header{}, fmt.Errorf("%w: header of %d bytes, at most %d are allowed", ErrFormat, length, MaxHeader)
	}
	var body bytes.Buffer // grows with what arrives, not with what was promised
	if _, err := io.CopyN(&body, r, int64(length)); err != nil {
		return Header{}, truncated("header", err)
	}
	h, err := parseHeader(body.Bytes())
	if err != nil {
		return Header{}, err
	}
	slices.SortStableFunc(h.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	return h, h.check()
}

// truncated names what r ended in; other errors of r are passed on.
func truncated(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: ends within the %s", ErrFormat, what)
	}
	return fmt.Errorf("read %s: %w", what, err)
}

// parseHeader reads the JSON by tokens, since decoding into a map or a struct
// would let the last of several equal names win.
func parseHeader(body []byte) (Header, error) {
	if !utf8.Valid(body) || len(body) == 0 || body[0] != '{' {
		return Header{}, fmt.Errorf("%w: header is no JSON object in UTF-8", ErrFormat)
	}
	var h Header
	decoder := json.NewDecoder(bytes.NewReader(body))
	err := eachField(decoder, func(name string) error {
		if name == metadataName {
			h.Metadata = map[string]string{}
			return eachField(decoder, func(key string) (err error) {
				h.Metadata[key], err = decode[string](decoder)
				return err
			})
		}
		e, err := parseEntry(decoder, name)
		h.Entries = append(h.Entries, e)
		return err
	})
	if err != nil {
		return Header{}, err
	}
	if rest := bytes.Trim(body[decoder.InputOffset():], " "); len(rest) > 0 {
		return Header{}, fmt.Errorf("%w: header goes on after its JSON object", ErrFormat)
	}
	return h, nil
}

func parseEntry(decoder *json.Decoder, name string) (Entry, error) {
	e := Entry{Name: name}
	var offsets []int64
	fields := 0
	err := eachField(decoder, func(field string) (err error) {
		fields++
		switch field {
		case "dtype":
			var dtype string
			dtype, err = decode[string](decoder)
			if err == nil && dtype != float32Type {
				return fmt.Errorf("%w: tensor %q is of type %q, only %s is read", ErrFormat, name, dtype, float32Type)
			}
		case "shape":
			e.Shape, err = decode[[]int](decoder)
		case "data_offsets":
			offsets, err = decode[[]int64](decoder)
		default:
			return fmt.Errorf("%w: tensor %q has an unknown field %q", ErrFormat, name, field)
		}
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	if fields != 3 || e.Shape == nil || len(offsets) != 2 {
		return Entry{}, fmt.Errorf("%w: tensor %q needs dtype, shape and two data_offsets", ErrFormat, name)
	}
	e.Begin, e.End = offsets[0], offsets[1]
	return e, nil
}

// eachField reads a JSON object and calls field for each name, which must read
// the value. A name that occurs twice is an error.
func eachField(decoder *json.Decoder, field func(name string) error) error {
	if err := expect(decoder, json.Delim('{')); err != nil {
		return err
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return invalidJSON(err)
		}
		name, ok := token.(string)
		if !ok || seen[name] {
			return fmt.Errorf("%w: header names %q twice", ErrFormat, token)
		}
		seen[name] = true
		if err := field(name); err != nil {
			return err
		}
	}
	return expect(decoder, json.Delim('}'))
}

func expect(decoder *json.Decoder, want json.Delim) error {
	token, err := decoder.Token()
	if err != nil {
		return invalidJSON(err)
	}
	if token != want {
		return fmt.Errorf("%w: header has %v instead of %v", ErrFormat, token, want)
	}
	return nil
}

func decode[T any](decoder *json.Decoder) (T, error) {
	var v T
	if err := decoder.Decode(&v); err != nil {
		return v, invalidJSON(err)
	}
	return v, nil
}

// invalidJSON wraps an error of the decoder. The end of the header is not the
// end of the file.
func invalidJSON(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: header: %w", ErrFormat, err)
}
