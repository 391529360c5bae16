package checkpoint

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync"
)

// Array is a named tensor: exactly one of F32, F64 and Elsewhere is set.
type Array struct {
	Name      string
	Shape     []int
	F32       []float32
	F64       []float64
	Elsewhere *Elsewhere
}

// Elsewhere are the elements of a tensor that is not in memory.
type Elsewhere struct {
	DType string // F32 or F64
	// Bytes are the elements in row-major order, little-endian. It is read from
	// several goroutines at once.
	Bytes io.ReaderAt
}

// State is the state of training that a checkpoint holds.
type State struct {
	Weights   []Array
	Reference []Array // the reference policy of a KL penalty; nil without one
	Optimizer []Array
	Control   *Control // nil where nothing adapts
}

func (a *Array) dtype() string {
	switch {
	case a.Elsewhere != nil:
		return a.Elsewhere.DType
	case a.F64 != nil:
		return "F64"
	}
	return "F32"
}

// size is the number of bytes of the array; -1 for one that lies elsewhere with
// an unknown type or a shape beyond all bounds.
func (a *Array) size() int64 {
	switch {
	case a.Elsewhere != nil:
		return Tensor{DType: a.Elsewhere.DType, Shape: a.Shape}.size()
	case a.F64 != nil:
		return 8 * int64(len(a.F64))
	}
	return 4 * int64(len(a.F32))
}

// read writes the little-endian form of the array, from byte from on, to dst. A
// chunk may begin or end within an element.
func (a *Array) read(dst []byte, from int64) error {
	if a.Elsewhere != nil {
		if n, err := a.Elsewhere.Bytes.ReadAt(dst, from); n < len(dst) {
			return fmt.Errorf("read tensor %q: %w", a.Name, err)
		}
		return nil
	}
	width := int64(width(a.dtype()))
	var element [8]byte
	for len(dst) > 0 {
		i, skip := from/width, from%width
		n := int64(len(dst)) - int64(len(dst))%width
		if skip == 0 && n > 0 {
			a.elements(dst[:n], i)
		} else {
			a.elements(element[:width], i)
			n = int64(copy(dst, element[skip:width]))
		}
		dst, from = dst[n:], from+n
	}
	return nil
}

// elements writes whole elements, from the i-th on, to dst.
func (a *Array) elements(dst []byte, i int64) {
	if a.F64 != nil {
		for n, v := range a.F64[i : i+int64(len(dst))/8] {
			binary.LittleEndian.PutUint64(dst[8*n:], math.Float64bits(v))
		}
		return
	}
	for n, v := range a.F32[i : i+int64(len(dst))/4] {
		binary.LittleEndian.PutUint32(dst[4*n:], math.Float32bits(v))
	}
}

// array is the tensor with all elements zero.
func (t Tensor) array() Array {
	a := Array{Name: t.Name, Shape: t.Shape}
	if t.DType == "F64" {
		a.F64 = make([]float64, t.size()/8)
	} else {
		a.F32 = make([]float32, t.size()/4)
	}
	return a
}

// write puts little-endian bytes into an array of zeros, from byte from on. Of
// an element that the bytes cut, the rest stays as it is; edge guards it.
func (a *Array) write(src []byte, from int64, edge sync.Locker) {
	width := int64(width(a.dtype()))
	for len(src) > 0 {
		i, skip := from/width, from%width
		n := int64(len(src)) - int64(len(src))%width
		if skip == 0 && n > 0 {
			a.setElements(src[:n], i)
		} else {
			n = min(width-skip, int64(len(src)))
			edge.Lock()
			var element [8]byte
			a.elements(element[:width], i)
			copy(element[skip:], src[:n])
			a.setElements(element[:width], i)
			edge.Unlock()
		}
		src, from = src[n:], from+n
	}
}

// setElements reads whole elements, from the i-th on, from src.
func (a *Array) setElements(src []byte, i int64) {
	if a.F64 != nil {
		for n := range a.F64[i : i+int64(len(src))/8] {
			a.F64[i+int64(n)] = math.Float64frombits(binary.LittleEndian.Uint64(src[8*n:]))
		}
		return
	}
	for n := range a.F32[i : i+int64(len(src))/4] {
		a.F32[i+int64(n)] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*n:]))
	}
}
