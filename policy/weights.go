package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/numerics"
)

// TensorOf is a named array, row by row.
type TensorOf[T numerics.Float] struct {
	Name  string
	Shape []int
	Data  []T // as many as the product of Shape
}

// Tensor is a named array of float32.
type Tensor = TensorOf[float32]

// WeightsOf is all that training changes: tensors that share one flat slice, in
// its order. Optimizers see Flat alone.
type WeightsOf[T numerics.Float] struct {
	Tensors []TensorOf[T]
	Flat    []T
}

// Weights are weights in float32.
type Weights = WeightsOf[float32]

// add appends a tensor over the next elements of Flat and returns its data.
func (w *WeightsOf[T]) add(name string, shape ...int) []T {
	begin, size := 0, 1
	for _, t := range w.Tensors {
		begin += len(t.Data)
	}
	for _, n := range shape {
		size *= n
	}
	data := w.Flat[begin : begin+size : begin+size]
	w.Tensors = append(w.Tensors, TensorOf[T]{Name: name, Shape: shape, Data: data})
	return data
}

// Digest returns the SHA-256 that names the weights in policy URLs and in
// decisions. It is taken over "cohort.weights/1" and, for each tensor, the
// length of its name and the name, its rank and dimensions, all numbers as
// unsigned 64-bit little-endian, and its elements as little-endian float32 (a
// policy that is not float32 is rounded first).
func (w WeightsOf[T]) Digest() blob.Digest {
	h := sha256.New()
	h.Write([]byte("cohort.weights/1"))
	var buffer [4096]byte
	for _, t := range w.Tensors {
		writeUint(h, len(t.Name))
		h.Write([]byte(t.Name))
		writeUint(h, len(t.Shape))
		for _, n := range t.Shape {
			writeUint(h, n)
		}
		for data := t.Data; len(data) > 0; {
			n := min(len(data), len(buffer)/4)
			for i, v := range data[:n] {
				binary.LittleEndian.PutUint32(buffer[4*i:], math.Float32bits(float32(v)))
			}
			h.Write(buffer[:4*n])
			data = data[n:]
		}
	}
	return blob.Digest(hex.EncodeToString(h.Sum(nil)))
}

func writeUint(h hash.Hash, n int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	h.Write(b[:])
}
