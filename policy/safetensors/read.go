package safetensors

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/cohort-rl/cohort/policy"
)

// blockSize is how many bytes are converted at a time.
const blockSize = 64 << 10

// Read reads a whole file: its tensors in the order of their bytes, and its
// metadata, which is nil when it has none. Tensors of more than limit bytes
// together are refused with ErrTooLarge before any is read. Other errors wrap
// ErrFormat, or are those of r.
func Read(r io.Reader, limit int64) ([]policy.Tensor, map[string]string, error) {
	h, err := ReadHeader(r)
	if err != nil {
		return nil, nil, err
	}
	if n := h.DataSize(); n > limit {
		return nil, nil, fmt.Errorf("%w: tensors of %d bytes, at most %d are allowed", ErrTooLarge, n, limit)
	}
	tensors := make([]policy.Tensor, 0, len(h.Entries))
	buffer := make([]byte, min(blockSize, h.DataSize()))
	for _, e := range h.Entries {
		data, err := readArray(r, e, buffer)
		if err != nil {
			return nil, nil, err
		}
		tensors = append(tensors, policy.Tensor{Name: e.Name, Shape: e.Shape, Data: data})
	}
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return nil, nil, fmt.Errorf("%w: goes on after the last tensor", ErrFormat)
	case err != io.EOF:
		return nil, nil, fmt.Errorf("read past the last tensor: %w", err)
	}
	return tensors, h.Metadata, nil
}

// readArray grows its result with what arrives, so that a short file cannot
// claim memory.
func readArray(r io.Reader, e Entry, buffer []byte) ([]float32, error) {
	data := []float32{}
	for left := e.End - e.Begin; left > 0; {
		block := buffer[:min(left, int64(len(buffer)))]
		if _, err := io.ReadFull(r, block); err != nil {
			return nil, truncated(fmt.Sprintf("tensor %q", e.Name), err)
		}
		left -= int64(len(block))
		if cap(data)-len(data) < len(block)/elementSize {
			// Doubling stops at what the tensor needs.
			more := min(int64(max(len(data), len(block)/elementSize)), (left+int64(len(block)))/elementSize)
			data = slices.Grow(data, int(more))
		}
		for i := 0; i < len(block); i += elementSize {
			data = append(data, math.Float32frombits(binary.LittleEndian.Uint32(block[i:])))
		}
	}
	return data, nil
}
