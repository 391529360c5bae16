package otlp

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// A shape is a message of OTLP as protobuf has it on the wire.
type shape uint8

const (
	leaf shape = iota // no message, or one that nobody here knows
	spanShape
	eventShape
	linkShape
	statusShape
	logShape
	pairShape
	valueShape
	listShape
	pairsShape
	resourceShape
	entityShape
	scopeShape
)

// A member is a field of a message: its type on the wire, whether it is text,
// and the message that it holds.
type member struct {
	wire protowire.Type
	text bool
	of   shape
}

func varint() (member, bool)         { return member{wire: protowire.VarintType}, true }
func fixed32() (member, bool)        { return member{wire: protowire.Fixed32Type}, true }
func fixed64() (member, bool)        { return member{wire: protowire.Fixed64Type}, true }
func words() (member, bool)          { return member{wire: protowire.BytesType, text: true}, true }
func opaque() (member, bool)         { return member{wire: protowire.BytesType}, true }
func nested(of shape) (member, bool) { return member{wire: protowire.BytesType, of: of}, true }

func values() (member, bool)   { return nested(valueShape) }
func pairs() (member, bool)    { return nested(pairShape) }
func entities() (member, bool) { return nested(entityShape) }

// member is the field of a number, if it is known.
func (s shape) member(n protowire.Number) (member, bool) {
	switch s {
	case spanShape:
		return spanMember(n)
	case logShape:
		return logMember(n)
	case pairShape:
		return pairMember(n)
	case valueShape:
		return valueMember(n)
	case listShape:
		return choose(n, values)
	case pairsShape:
		return choose(n, pairs)
	case eventShape:
		return choose(n, fixed64, words, pairs, varint)
	case linkShape:
		return choose(n, opaque, opaque, words, pairs, varint, fixed32)
	case statusShape:
		return choose(n, varint, words, varint)
	case resourceShape:
		return choose(n, pairs, varint, entities)
	case entityShape:
		return choose(n, words, words, words, words)
	case scopeShape:
		return choose(n, words, words, pairs, varint)
	case leaf:
	}
	return member{}, false
}

func choose(n protowire.Number, members ...func() (member, bool)) (member, bool) {
	if n < 1 || int(n) > len(members) {
		return member{}, false
	}
	return members[n-1]()
}

func spanMember(n protowire.Number) (member, bool) {
	switch n {
	case 1, 2, 4:
		return opaque()
	case 3, 5:
		return words()
	case 6, 10, 12, 14:
		return varint()
	case 7, 8:
		return fixed64()
	case 9:
		return nested(pairShape)
	case 11:
		return nested(eventShape)
	case 13:
		return nested(linkShape)
	case 15:
		return nested(statusShape)
	case 16:
		return fixed32()
	default:
		return member{}, false
	}
}

func logMember(n protowire.Number) (member, bool) {
	switch n {
	case 1, 11:
		return fixed64()
	case 2, 7:
		return varint()
	case 3, 12:
		return words()
	case 5:
		return nested(valueShape)
	case 6:
		return nested(pairShape)
	case 8:
		return fixed32()
	case 9, 10:
		return opaque()
	default:
		return member{}, false
	}
}

func pairMember(n protowire.Number) (member, bool) {
	switch n {
	case 1:
		return words()
	case 2:
		return nested(valueShape)
	default:
		return member{}, false
	}
}

func valueMember(n protowire.Number) (member, bool) {
	switch n {
	case 1:
		return words()
	case 2, 3:
		return varint()
	case 4:
		return fixed64()
	case 5:
		return nested(listShape)
	case 6:
		return nested(pairsShape)
	case 7:
		return opaque()
	default:
		return member{}, false
	}
}

var (
	errWire = errors.New("a field is not of its type")
	errText = errors.New("a text is not UTF-8")
)

// check says what is wrong with a message on the wire, so that whoever reads it
// with the protobuf library finds nothing. It is stricter: a known field of
// another type is wrong too.
func (s shape) check(b []byte, depth int) error {
	if depth < 0 {
		return errTooDeep
	}
	for len(b) > 0 {
		n, wire, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if wire == protowire.BytesType {
			inner, size := protowire.ConsumeBytes(b)
			if size < 0 {
				return cutOff(b, wire, size)
			}
			if err := s.checkInner(n, inner, depth); err != nil {
				return err
			}
			b = b[size:]
			continue
		}
		if m, known := s.member(n); (known && m.wire != wire) || wire == protowire.StartGroupType {
			return fmt.Errorf("%w: number %d", errWire, n)
		}
		if size = protowire.ConsumeFieldValue(n, wire, b); size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
	}
	return nil
}

func (s shape) checkInner(n protowire.Number, inner []byte, depth int) error {
	m, known := s.member(n)
	switch {
	case !known:
		return nil
	case m.wire != protowire.BytesType:
		return fmt.Errorf("%w: number %d", errWire, n)
	case m.text && !utf8.Valid(inner):
		return errText
	case m.of != leaf:
		return m.of.check(inner, depth-1)
	}
	return nil
}
