// Package safetensors reads and writes named float32 arrays in the safetensors
// format, which numpy, PyTorch and others read: the length of a header as
// unsigned 64-bit little-endian, the header as JSON, and the arrays' bytes,
// little-endian, one after another.
//
// The reader takes a stream that it does not trust. It refuses what the format
// forbids (holes, overlaps, duplicate names, a header above MaxHeader, bytes
// after the end) and allocates no more than a small multiple of what it has
// read.
package safetensors

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"
)

// MaxHeader is the longest header the format allows, in bytes.
const MaxHeader = 100_000_000

// elementSize is the number of bytes of a float32.
const elementSize = 4

// float32Type is how the format calls float32, the only type this package
// takes.
const float32Type = "F32"

// metadataName is the header's entry that is no tensor.
const metadataName = "__metadata__"

var (
	// ErrFormat is wrapped by every error about bytes that are no safetensors
	// file of float32, and about tensors that cannot be written as one.
	ErrFormat = errors.New("invalid safetensors")
	// ErrTooLarge says that a file's tensors exceed the limit of the caller.
	ErrTooLarge = errors.New("safetensors too large")
)

// Entry says where a tensor lies in a file.
type Entry struct {
	Name  string
	Shape []int
	Begin int64 // first byte, counted from the end of the header
	End   int64 // byte after the last
}

// Header is what stands before the arrays.
type Header struct {
	Entries  []Entry // in the order of their bytes
	Metadata map[string]string
}

// DataSize returns the number of bytes of all arrays.
func (h Header) DataSize() int64 {
	if len(h.Entries) == 0 {
		return 0
	}
	return h.Entries[len(h.Entries)-1].End
}

// check returns an error unless the entries cover the data in order, without
// hole or overlap, each as its shape says.
func (h Header) check() error {
	for key, value := range h.Metadata {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return fmt.Errorf("%w: metadata are not UTF-8", ErrFormat)
		}
	}
	var position int64
	names := make(map[string]bool, len(h.Entries))
	for _, e := range h.Entries {
		if e.Name == "" || e.Name == metadataName || !utf8.ValidString(e.Name) {
			return fmt.Errorf("%w: a tensor is named %q", ErrFormat, e.Name)
		}
		if names[e.Name] {
			return fmt.Errorf("%w: two tensors are named %q", ErrFormat, e.Name)
		}
		names[e.Name] = true
		size, err := byteSize(e.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", e.Name, err)
		}
		if e.Begin != position {
			return fmt.Errorf("%w: tensor %q begins at byte %d, the one before ends at %d", ErrFormat, e.Name, e.Begin, position)
		}
		if e.End < e.Begin || e.End-e.Begin != size {
			return fmt.Errorf("%w: tensor %q of shape %v has bytes %d to %d", ErrFormat, e.Name, e.Shape, e.Begin, e.End)
		}
		position = e.End
	}
	return nil
}

// byteSize returns the bytes of a float32 array of that shape.
func byteSize(shape []int) (int64, error) {
	size := uint64(elementSize)
	for _, n := range shape {
		if n < 0 {
			return 0, fmt.Errorf("%w: shape %v has a negative dimension", ErrFormat, shape)
		}
		high, low := bits.Mul64(size, uint64(n))
		if high != 0 || low > math.MaxInt64 {
			return 0, fmt.Errorf("%w: shape %v has too many elements", ErrFormat, shape)
		}
		size = low
	}
	return int64(size), nil
}
