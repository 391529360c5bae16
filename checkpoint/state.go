package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/blob"
)

// Array is a named tensor in memory: exactly one of F32 and F64 is set.
type Array struct {
	Name  string
	Shape []int
	F32   []float32
	F64   []float64
}

// State is the state of training that a checkpoint holds.
type State struct {
	Weights   []Array
	Reference []Array // the reference policy of a KL penalty; nil without one
	Optimizer []Array
	Control   *Control // nil where nothing adapts
}

func (a Array) dtype() string {
	if a.F64 != nil {
		return "F64"
	}
	return "F32"
}

// bytes is the little-endian form of the array.
func (a Array) bytes() []byte {
	if a.F64 != nil {
		b := make([]byte, 8*len(a.F64))
		for i, v := range a.F64 {
			binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(v))
		}
		return b
	}
	b := make([]byte, 4*len(a.F32))
	for i, v := range a.F32 {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return b
}

// describe is the array's entry in a manifest, in chunks of at most chunk
// bytes, and the chunks.
func (a Array) describe(chunk int) (Tensor, [][]byte) {
	t := Tensor{Name: a.Name, DType: a.dtype(), Shape: a.Shape, Chunks: []blob.Ref{}}
	var pieces [][]byte
	for rest := a.bytes(); len(rest) > 0; {
		n := min(chunk, len(rest))
		piece := rest[:n]
		t.Chunks = append(t.Chunks, blob.Ref{Digest: blob.DigestOf(piece), Size: int64(n)})
		pieces = append(pieces, piece)
		rest = rest[n:]
	}
	return t, pieces
}

// array is the tensor with the bytes of its chunks.
func (t Tensor) array(body []byte) (Array, error) {
	if int64(len(body)) != t.size() {
		return Array{}, fmt.Errorf("%w: tensor %q has %d bytes, its shape needs %d", ErrInvalid, t.Name, len(body), t.size())
	}
	a := Array{Name: t.Name, Shape: t.Shape}
	if t.DType == "F64" {
		a.F64 = make([]float64, len(body)/8)
		for i := range a.F64 {
			a.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(body[8*i:]))
		}
		return a, nil
	}
	a.F32 = make([]float32, len(body)/4)
	for i := range a.F32 {
		a.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return a, nil
}
