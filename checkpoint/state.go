package checkpoint

import (
	"encoding/binary"
	"math"
	"sync"
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

func (a *Array) dtype() string {
	if a.F64 != nil {
		return "F64"
	}
	return "F32"
}

// size is the number of bytes of the array.
func (a *Array) size() int64 {
	if a.F64 != nil {
		return 8 * int64(len(a.F64))
	}
	return 4 * int64(len(a.F32))
}

// read writes the little-endian form of the array, from byte from on, to dst.
func (a *Array) read(dst []byte, from int64) {
	width := int64(width(a.dtype()))
	var element [8]byte
	for len(dst) > 0 {
		i, skip := from/width, from%width
		if skip == 0 && int64(len(dst)) >= width {
			a.element(dst, i)
			dst, from = dst[width:], from+width
			continue
		}
		a.element(element[:], i) // a chunk may begin or end within an element
		n := copy(dst, element[skip:width])
		dst, from = dst[n:], from+int64(n)
	}
}

func (a *Array) element(dst []byte, i int64) {
	if a.F64 != nil {
		binary.LittleEndian.PutUint64(dst, math.Float64bits(a.F64[i]))
		return
	}
	binary.LittleEndian.PutUint32(dst, math.Float32bits(a.F32[i]))
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
		if skip == 0 && int64(len(src)) >= width {
			if a.F64 != nil {
				a.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(src))
			} else {
				a.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(src))
			}
			src, from = src[width:], from+width
			continue
		}
		n := min(width-skip, int64(len(src)))
		edge.Lock()
		var element [8]byte
		a.element(element[:], i)
		copy(element[skip:], src[:n])
		if a.F64 != nil {
			a.F64[i] = math.Float64frombits(binary.LittleEndian.Uint64(element[:]))
		} else {
			a.F32[i] = math.Float32frombits(binary.LittleEndian.Uint32(element[:]))
		}
		edge.Unlock()
		src, from = src[n:], from+n
	}
}
