package telemetry

import (
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
)

// Errors of an event that cannot be sent or understood.
var (
	// ErrInvalidEvent says that a field of an event is out of its bounds.
	ErrInvalidEvent = errors.New("invalid event")
	// ErrUnknownBody says that an event has no body, or one of a later version.
	ErrUnknownBody = errors.New("unknown event body")
)

// Codec turns events into frames and back under one Limits value. It is safe
// for concurrent use and holds no goroutine.
type Codec struct {
	limits      Limits
	compression Compression
	encoder     *zstd.Encoder
	decoder     *zstd.Decoder
}

// NewCodec returns a codec that writes with the given compression and reads
// every compression.
func NewCodec(limits Limits, compression Compression) (*Codec, error) {
	if err := limits.Validate(); err != nil {
		return nil, err
	}
	c := &Codec{limits: limits, compression: compression}
	var err error
	switch compression {
	case None:
	case Zstd:
		c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			return nil, fmt.Errorf("make zstd encoder: %w", err)
		}
	default:
		return nil, fmt.Errorf("%w: %d", ErrUnknownCompression, compression)
	}
	c.decoder, err = zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxLimit))
	if err != nil {
		return nil, fmt.Errorf("make zstd decoder: %w", err)
	}
	return c, nil
}

// Encode checks an event and returns its frame. The event's slices are read
// during the call alone. Errors are ErrInvalidEvent, ErrUnknownBody and
// *PayloadTooLarge, and all are final.
func (c *Codec) Encode(e Event) ([]byte, error) {
	frame, err := c.encode(&e, nil)
	if err != nil {
		return nil, err
	}
	sealFrame(frame)
	return frame, nil
}

// encode is Encode into memory, if that is enough, and leaves the checksum to
// sealFrame.
func (c *Codec) encode(e *Event, memory []byte) ([]byte, error) {
	if err := c.limits.check(e); err != nil {
		return nil, err
	}
	if err := checkReward(e.Body); err != nil {
		return nil, err
	}
	s := sizesOf(e)
	if err := fits("event", s.event, c.limits.EventBytes); err != nil {
		return nil, err
	}
	size := frameHeader + s.event
	if len(memory) < size {
		memory = make([]byte, size)
	}
	return c.frame(appendEvent(memory[:frameHeader:size], e, s))
}

// Decode returns the event inside a frame, checked as Encode checks it. Its
// errors are those of Encode and of frames; all are final.
func (c *Codec) Decode(frame []byte) (Event, error) {
	payload, err := c.open(frame)
	if err != nil {
		return Event{}, err
	}
	return c.decodeEvent(payload)
}

func (c *Codec) decodeEvent(payload []byte) (Event, error) {
	if err := c.scan(payload); err != nil {
		return Event{}, err
	}
	var message telemetrypb.Event
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, &message); err != nil {
		return Event{}, fmt.Errorf("%w: %w", ErrInvalidEvent, err)
	}
	e, err := fromProto(&message)
	if err != nil {
		return Event{}, err
	}
	return e, c.limits.check(&e)
}

// The numbers of bodies in telemetrypb.Event, those of later versions included.
const fieldBodyMin, fieldBodyMax = 16, 63

// scan counts what costs far more memory decoded than encoded, before any of
// it is decoded.
func (c *Codec) scan(payload []byte) error {
	attributes, bodies := 0, 0
	for len(payload) > 0 {
		number, kind, n := protowire.ConsumeTag(payload)
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrInvalidEvent, protowire.ParseError(n))
		}
		m := protowire.ConsumeFieldValue(number, kind, payload[n:])
		if m < 0 {
			return fmt.Errorf("%w: %w", ErrInvalidEvent, protowire.ParseError(m))
		}
		payload = payload[n+m:]
		switch {
		case number == fieldAttributes:
			attributes++
		case number >= fieldBodyMin && number <= fieldBodyMax:
			bodies++
		}
	}
	if attributes > c.limits.Attributes {
		return fmt.Errorf("%w: %d attributes, allowed are %d", ErrInvalidEvent, attributes, c.limits.Attributes)
	}
	if bodies != 1 {
		return fmt.Errorf("%w: %d bodies, want 1", ErrUnknownBody, bodies)
	}
	return nil
}
