package telemetry

import (
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/telemetry/state"
)

// ErrInvalidLimits says that a Limits value contradicts itself.
var ErrInvalidLimits = errors.New("invalid telemetry limits")

// Limits bounds everything that crosses the wire. Producers and readers use
// the same value, so that whatever was accepted can be read.
type Limits struct {
	// EventBytes bounds the encoded, uncompressed event.
	EventBytes int
	// FrameBytes bounds the frame, its header included: a message's value.
	FrameBytes int
	// Headers and HeaderBytes bound a message's headers: their number, and
	// their keys and values together.
	Headers, HeaderBytes int
	// Attributes and AttributeBytes bound an event's attributes likewise.
	Attributes, AttributeBytes int
	// NameBytes bounds each id and name in an event.
	NameBytes int
	// State bounds states and the differences between them.
	State state.Limits
}

// DefaultLimits keeps a message with its headers below 1 MB, the size that a
// Kafka broker accepts unless it is told otherwise.
func DefaultLimits() Limits {
	return Limits{
		EventBytes:     900 << 10,
		FrameBytes:     900<<10 + frameHeader,
		Headers:        16,
		HeaderBytes:    16 << 10,
		Attributes:     64,
		AttributeBytes: 64 << 10,
		NameBytes:      512,
		State:          state.DefaultLimits(),
	}
}

// Validate reports the first bound that cannot hold.
func (l Limits) Validate() error {
	for _, b := range []struct {
		name       string
		value, min int
	}{
		{"EventBytes", l.EventBytes, 1},
		{"FrameBytes", l.FrameBytes, frameHeader + 1},
		{"Headers", l.Headers, ownHeaders},
		{"HeaderBytes", l.HeaderBytes, 1},
		{"Attributes", l.Attributes, 0},
		{"AttributeBytes", l.AttributeBytes, 0},
		{"NameBytes", l.NameBytes, 1},
	} {
		if b.value < b.min || b.value > maxLimit {
			return fmt.Errorf("%w: %s is %d, allowed is %d to %d", ErrInvalidLimits, b.name, b.value, b.min, maxLimit)
		}
	}
	if err := l.State.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidLimits, err)
	}
	return nil
}

// maxLimit keeps every size within the frame's 32-bit fields.
const maxLimit = 1 << 30

// PayloadTooLarge says that something is larger than the limit. It is
// returned before memory is allocated for it.
//
//nolint:errname // named in docs/guarantees.md, row T5
type PayloadTooLarge struct {
	// What was measured: "event", "frame", "headers" or "attributes".
	What string
	// Size is what was found or claimed, Max what is allowed, in bytes.
	Size, Max int64
}

func (e *PayloadTooLarge) Error() string {
	return fmt.Sprintf("%s of %d bytes is over the limit of %d", e.What, e.Size, e.Max)
}

// fits returns a *PayloadTooLarge when size is over limit.
func fits(what string, size, limit int) error {
	if size > limit {
		return &PayloadTooLarge{What: what, Size: int64(size), Max: int64(limit)}
	}
	return nil
}
