package safetensors

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/cohort-rl/cohort/policy"
)

// Write writes a whole file, the tensors in their order. Equal arguments give
// equal bytes. Tensors that Read would refuse give an error that wraps
// ErrFormat, before anything is written.
func Write(w io.Writer, tensors []policy.Tensor, metadata map[string]string) error {
	h, err := headerOf(tensors, metadata)
	if err != nil {
		return err
	}
	if err := WriteHeader(w, h); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, blockSize)
	var element [elementSize]byte
	for _, t := range tensors {
		for _, v := range t.Data {
			binary.LittleEndian.PutUint32(element[:], math.Float32bits(v))
			if _, err := out.Write(element[:]); err != nil {
				return fmt.Errorf("write tensor %q: %w", t.Name, err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write tensors: %w", err)
	}
	return nil
}

// Size returns the number of bytes that Write writes.
func Size(tensors []policy.Tensor, metadata map[string]string) (int64, error) {
	h, err := headerOf(tensors, metadata)
	if err != nil {
		return 0, err
	}
	body, err := h.encode()
	return int64(len(body)) + h.DataSize(), err
}

// WriteHeader writes a header alone, for whoever has the arrays' bytes in
// pieces: they must follow, DataSize bytes of them.
func WriteHeader(w io.Writer, h Header) error {
	body, err := h.encode()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write safetensors header: %w", err)
	}
	return nil
}

// Plan returns the header of arrays of these names and shapes, one after
// another; begin and end of the entries are filled in.
func Plan(entries []Entry, metadata map[string]string) (Header, error) {
	h := Header{Entries: slices.Clone(entries), Metadata: metadata}
	var position int64
	for i, e := range h.Entries {
		size, err := byteSize(e.Shape)
		if err != nil {
			return Header{}, fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		if size > math.MaxInt64-position {
			return Header{}, fmt.Errorf("%w: tensors have too many elements", ErrFormat)
		}
		h.Entries[i].Begin, h.Entries[i].End = position, position+size
		position += size
	}
	return h, h.check()
}

func headerOf(tensors []policy.Tensor, metadata map[string]string) (Header, error) {
	entries := make([]Entry, len(tensors))
	for i, t := range tensors {
		entries[i] = Entry{Name: t.Name, Shape: t.Shape}
	}
	h, err := Plan(entries, metadata)
	if err != nil {
		return Header{}, err
	}
	for i, t := range tensors {
		if e := h.Entries[i]; int64(len(t.Data))*elementSize != e.End-e.Begin {
			return Header{}, fmt.Errorf("%w: tensor %q of shape %v has %d elements", ErrFormat, t.Name, t.Shape, len(t.Data))
		}
	}
	return h, nil
}

// encode returns the length, the JSON and spaces that align the arrays to
// eight bytes.
func (h Header) encode() ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	body := bytes.NewBuffer(make([]byte, 8, 512)) // the length is filled in below
	body.WriteByte('{')
	if len(h.Metadata) > 0 {
		if err := writeField(body, metadataName, h.Metadata); err != nil {
			return nil, err
		}
	}
	for _, e := range h.Entries {
		if err := writeField(body, e.Name, struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{float32Type, append([]int{}, e.Shape...), [2]int64{e.Begin, e.End}}); err != nil {
			return nil, err
		}
	}
	body.WriteByte('}')
	for body.Len()%8 != 0 {
		body.WriteByte(' ')
	}
	length := body.Len() - 8
	if length > MaxHeader {
		return nil, fmt.Errorf("%w: header of %d bytes, at most %d are allowed", ErrFormat, length, MaxHeader)
	}
	binary.LittleEndian.PutUint64(body.Bytes(), uint64(length))
	return body.Bytes(), nil
}

// writeField appends a field to a JSON object whose last byte is not its end.
func writeField(body *bytes.Buffer, name string, value any) error {
	key, err := json.Marshal(name)
	if err != nil {
		return fmt.Errorf("encode safetensors header: %w", err)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode safetensors header: %w", err)
	}
	if bytes.HasSuffix(body.Bytes(), []byte("}")) {
		body.WriteByte(',')
	}
	body.Write(key)
	body.WriteByte(':')
	body.Write(text)
	return nil
}
