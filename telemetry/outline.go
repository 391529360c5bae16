package telemetry

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Outline is what an audit needs of an event.
type Outline struct {
	Thread string
	Index  uint64
	// Body is that of an End, a Marker, a Final or a Tombstone, and nil for the
	// others.
	Body Body
}

// Outline reads the outline of the event inside a frame into o, whose Thread it
// keeps if it is the same again. The frame is checked as Decode checks it, size,
// checksum and limits of the event included; of the event, that it is a
// well-formed message with one body that this version knows, itself a
// well-formed message, which belongs to a thread or not as its kind asks. What
// the fields of a Decision or of another body without Body say is not looked
// at, nor are attributes. An error is one that Decode gives too.
func (c *Codec) Outline(frame []byte, o *Outline) error {
	o.Body = nil
	payload, err := c.open(frame)
	if err != nil {
		return err
	}
	thread, index, plain := c.skim(payload)
	if !plain { // rare, or wrong: Decode says what
		e, err := c.decodeEvent(payload)
		if err != nil {
			return err
		}
		o.Thread, o.Index, o.Body = e.Thread, e.Index, nil
		switch e.Body.(type) {
		case End, Marker, Final, Tombstone:
			o.Body = e.Body
		}
		return nil
	}
	if o.Thread != string(thread) {
		o.Thread = string(thread)
	}
	o.Index = index
	return nil
}

// skim looks for an event of a thread that is like nearly all: well-formed, a
// printable thread, no attributes, one body that needs no look inside.
func (c *Codec) skim(payload []byte) (thread []byte, index uint64, plain bool) {
	bodies := 0
	for len(payload) > 0 {
		number, kind, n := protowire.ConsumeTag(payload)
		if n < 0 {
			return nil, 0, false
		}
		payload = payload[n:]
		switch {
		case number == fieldThread && kind == protowire.BytesType:
			thread, n = protowire.ConsumeBytes(payload)
		case number == fieldIndex && kind == protowire.VarintType:
			index, n = protowire.ConsumeVarint(payload)
		case (number == fieldTime || number == fieldClockFlags) && kind == protowire.VarintType:
			var v uint64
			if v, n = protowire.ConsumeVarint(payload); number == fieldTime && v>>63 != 0 {
				return nil, 0, false
			}
		case number == fieldClock && kind == protowire.Fixed64Type:
			_, n = protowire.ConsumeFixed64(payload)
		case number == fieldName && kind == protowire.BytesType:
			var name []byte
			if name, n = protowire.ConsumeBytes(payload); n > 0 && (len(name) > c.limits.NameBytes || !printable(name)) {
				return nil, 0, false
			}
		case plainBody(number) && kind == protowire.BytesType:
			var body []byte
			if body, n = protowire.ConsumeBytes(payload); n > 0 && !wellFormed(body) {
				return nil, 0, false
			}
			bodies++
		default:
			return nil, 0, false
		}
		if n < 0 {
			return nil, 0, false
		}
		payload = payload[n:]
	}
	return thread, index, bodies == 1 && len(thread) > 0 && len(thread) <= c.limits.NameBytes && printable(thread)
}

// plainBody reports whether a field is a body of a thread's event that an
// Outline leaves out.
func plainBody(number protowire.Number) bool {
	return number >= fieldStart && number <= fieldError || number == fieldState
}

// wellFormed reports whether bytes are fields one after another.
func wellFormed(message []byte) bool {
	for len(message) > 0 {
		_, _, n := protowire.ConsumeField(message)
		if n < 0 {
			return false
		}
		message = message[n:]
	}
	return true
}
