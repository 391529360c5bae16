package telemetry

import (
	"encoding/binary"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of event.proto are written by hand, for an event in the time of
// a few copies: what size says is what append writes, and the bytes are those
// that proto.Marshal makes of the same message. Fields with their zero value are
// left out, but for the body, which is there always.

// Field numbers of telemetrypb.Event.
const (
	fieldThread     = 1
	fieldIndex      = 2
	fieldTime       = 3
	fieldName       = 4
	fieldAttributes = 5
	fieldClock      = 6
	fieldClockFlags = 7

	fieldStart     = 16
	fieldDecision  = 17
	fieldModelCall = 18
	fieldToolCall  = 19
	fieldReward    = 20
	fieldError     = 21
	fieldEnd       = 22
	fieldMarker    = 23
	fieldFinal     = 24
	fieldTombstone = 25
	fieldState     = 26
)

// sizes are those of an event and of its body.
type sizes struct {
	event, body int
}

// sizesOf measures a checked event.
func sizesOf(e *Event) sizes {
	number, body := bodySize(e.Body)
	size := sizeBytes(fieldThread, len(e.Thread)) + sizeVarint(fieldIndex, e.Index) +
		sizeVarint(fieldTime, uint64(e.Time.UnixNano())) + //nolint:gosec // checked: not negative
		sizeBytes(fieldName, len(e.Name)) +
		sizeFixed64(fieldClock, uint64(e.Clock)) + sizeVarint(fieldClockFlags, uint64(e.ClockFlags))
	for i := range e.Attributes {
		size += sizeMessage(fieldAttributes, sizePair(e.Attributes[i].Key, e.Attributes[i].Value))
	}
	return sizes{event: size + sizeMessage(number, body), body: body}
}

// appendEvent appends a checked event. It allocates nothing when b has room for
// the event's size.
func appendEvent(b []byte, e *Event, s sizes) []byte {
	b = appendBytes(b, fieldThread, e.Thread)
	b = appendVarint(b, fieldIndex, e.Index)
	b = appendVarint(b, fieldTime, uint64(e.Time.UnixNano())) //nolint:gosec // checked: not negative
	b = appendBytes(b, fieldName, e.Name)
	for i := range e.Attributes {
		b = appendPair(b, fieldAttributes, e.Attributes[i].Key, e.Attributes[i].Value)
	}
	b = appendFixed64(b, fieldClock, uint64(e.Clock))
	b = appendVarint(b, fieldClockFlags, uint64(e.ClockFlags))
	return appendBody(b, e.Body, s.body)
}

// A pair is an Attribute or a Cause: two texts.
func sizePair(first, second string) int {
	return sizeBytes(1, len(first)) + sizeBytes(2, len(second))
}

func appendPair(b []byte, number protowire.Number, first, second string) []byte {
	b = appendMessage(b, number, sizePair(first, second))
	return appendBytes(appendBytes(b, 1, first), 2, second)
}

func sizeVarint(number protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(number) + protowire.SizeVarint(v)
}

func appendVarint(b []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return appendNumber(appendTag(b, number, protowire.VarintType), v)
}

func sizeFixed64(number protowire.Number, v uint64) int {
	if v == 0 {
		return 0
	}
	return protowire.SizeTag(number) + protowire.SizeFixed64()
}

func appendFixed64(b []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(appendTag(b, number, protowire.Fixed64Type), v)
}

func sizeFloat(number protowire.Number, v float32) int {
	if math.Float32bits(v) == 0 { // -0 is a value
		return 0
	}
	return protowire.SizeTag(number) + protowire.SizeFixed32()
}

func appendFloat(b []byte, number protowire.Number, v float32) []byte {
	if math.Float32bits(v) == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint32(appendTag(b, number, protowire.Fixed32Type), math.Float32bits(v))
}

// sizeBytes is for texts and bytes.
func sizeBytes(number protowire.Number, size int) int {
	if size == 0 {
		return 0
	}
	return sizeMessage(number, size)
}

func appendBytes[T string | []byte](b []byte, number protowire.Number, v T) []byte {
	if len(v) == 0 {
		return b
	}
	return append(appendMessage(b, number, len(v)), v...)
}

// sizeMessage is what a message, or anything else with a length, takes.
func sizeMessage(number protowire.Number, size int) int {
	return protowire.SizeTag(number) + protowire.SizeBytes(size)
}

// appendMessage appends the tag and the length of what follows.
func appendMessage(b []byte, number protowire.Number, size int) []byte {
	return appendNumber(appendTag(b, number, protowire.BytesType), uint64(size)) //nolint:gosec // a length
}

// appendTag appends the tag of a field of event.proto, whose numbers are small.
func appendTag(b []byte, number protowire.Number, kind protowire.Type) []byte {
	return appendNumber(b, uint64(number)<<3|uint64(kind)) //nolint:gosec // small
}

// appendNumber appends a varint. Those of one byte, nearly all, take a comparison.
func appendNumber(b []byte, v uint64) []byte {
	for v >= 1<<7 {
		b, v = append(b, byte(v)|1<<7), v>>7
	}
	return append(b, byte(v))
}

func appendFloats(b []byte, number protowire.Number, values []float32) []byte {
	if len(values) == 0 {
		return b
	}
	b = appendMessage(b, number, 4*len(values))
	from := len(b)
	b = slices.Grow(b, 4*len(values))[:from+4*len(values)]
	for i, v := range values {
		binary.LittleEndian.PutUint32(b[from+4*i:], math.Float32bits(v))
	}
	return b
}

// sizeTokens is the size of packed numbers, without tag and length.
func sizeTokens(values []uint32) int {
	size := 0
	for _, v := range values {
		size += protowire.SizeVarint(uint64(v))
	}
	return size
}

func appendTokens(b []byte, number protowire.Number, values []uint32) []byte {
	if len(values) == 0 {
		return b
	}
	b = appendMessage(b, number, sizeTokens(values))
	for _, v := range values {
		b = appendNumber(b, uint64(v))
	}
	return b
}
