package telemetry

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// maxBlock is how much a block of a zstd frame expands to at most.
const maxBlock = 128 << 10

var errStrangeZstd = errors.New("it is not one zstd frame")

// inflate decompresses a body, which is one zstd frame, into exactly size bytes.
// A frame that has more is found after the block with which it does; there is
// room for that, so that memory never holds two copies of an event, whatever the
// frame says of itself: size and one block, and another len(body) where the
// frame does not say how much it holds.
func (c *Codec) inflate(body []byte, size int) ([]byte, error) {
	head, err := oneFrame(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorruptFrame, err)
	}
	if !head.HasFCS {
		if all, limit := size+len(body), 2*c.limits.EventBytes-maxBlock; all > limit && len(body) > maxBlock {
			return nil, &PayloadTooLarge{What: "zstd stream", Size: int64(all), Max: int64(limit)}
		}
		body = withSize(body, head.HeaderSize, size)
	} else if head.FrameContentSize != uint64(size) { //nolint:gosec // not negative
		return nil, fmt.Errorf("%w: zstd frame of %d bytes, the header says %d", ErrCorruptFrame, head.FrameContentSize, size)
	}
	window := uint64(size) //nolint:gosec // not negative
	if !head.SingleSegment {
		window = head.WindowSize
	}
	beyond := min(window, maxBlock) // no block is larger than the window
	event, err := c.decoder.DecodeAll(body, make([]byte, 0, uint64(size)+beyond))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorruptFrame, err)
	}
	return event, nil
}

// oneFrame reads the header of a zstd frame (RFC 8878, 3.1.1), and sees by the
// headers of its blocks that nothing follows the frame.
func oneFrame(body []byte) (head zstd.Header, err error) {
	if err := head.Decode(body); err != nil {
		return head, err
	}
	if head.Skippable || head.DictionaryID != 0 {
		return head, errStrangeZstd
	}
	const blockHeader, repeated = 3, 1
	rest := body[head.HeaderSize:]
	for last := false; !last; {
		if len(rest) < blockHeader {
			return head, errStrangeZstd
		}
		block := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16
		last = block&1 != 0
		stored := block >> 3
		if block>>1&3 == repeated {
			stored = 1
		}
		if len(rest) < blockHeader+stored {
			return head, errStrangeZstd
		}
		rest = rest[blockHeader+stored:]
	}
	if head.HasCheckSum && len(rest) >= 4 {
		rest = rest[4:]
	}
	if len(rest) > 0 {
		return head, errStrangeZstd
	}
	return head, nil
}

// withSize returns a copy of a frame that does not say how much it holds, which
// says it.
func withSize(frame []byte, header, size int) []byte {
	const descriptor, eightBytes = 4, 3 << 6
	sized := make([]byte, 0, len(frame)+8)
	sized = append(sized, frame[:header]...)
	sized[descriptor] |= eightBytes
	sized = binary.LittleEndian.AppendUint64(sized, uint64(size)) //nolint:gosec // not negative
	return append(sized, frame[header:]...)
}
