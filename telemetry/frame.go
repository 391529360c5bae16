package telemetry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame is the value of a Kafka message. Integers are little-endian.
//
//	offset  bytes  field
//	0       4      magic "CHRT"
//	4       1      version, 1
//	5       1      compression: 0 none, 1 zstd
//	6       2      reserved, 0
//	8       4      size of the event
//	12      4      length of the body: the event as stored
//	16      4      CRC-32C of bytes 0 to 15 and the body
//	20             body
const (
	frameMagic   = "CHRT"
	frameVersion = 1
	frameHeader  = 20
	frameChecked = 16 // bytes of the header that the checksum covers
)

// Errors of a frame that cannot be read. Each is final: reading again gives it
// again.
var (
	ErrNotFrame           = errors.New("not a telemetry frame")
	ErrUnknownVersion     = errors.New("unknown frame version")
	ErrUnknownCompression = errors.New("unknown frame compression")
	ErrCorruptFrame       = errors.New("corrupt frame")
)

// Compression names how a frame stores its event.
type Compression uint8

// The compressions of frame version 1.
const (
	None Compression = 0
	Zstd Compression = 1
)

// minCompressed is the size below which compressing an event does not pay.
const minCompressed = 256

// frame fills in the header of a frame whose body is an event, all but the
// checksum. Zstd is a wish:
// what does not shrink is stored as it is, so a frame is never larger than its
// event and the header.
func (c *Codec) frame(frame []byte) ([]byte, error) {
	method, size := None, len(frame)-frameHeader
	if c.compression == Zstd && size >= minCompressed {
		small := c.encoder.EncodeAll(frame[frameHeader:], make([]byte, frameHeader, len(frame)))
		if len(small) < len(frame) {
			method, frame = Zstd, small
		}
	}
	if err := fits("frame", len(frame), c.limits.FrameBytes); err != nil {
		return nil, err
	}
	copy(frame, frameMagic)
	frame[4] = frameVersion
	frame[5] = byte(method)
	binary.LittleEndian.PutUint16(frame[6:], 0)
	binary.LittleEndian.PutUint32(frame[8:], uint32(size))
	binary.LittleEndian.PutUint32(frame[12:], uint32(len(frame)-frameHeader))
	return frame, nil
}

// sealFrame fills in the checksum, which completes a frame.
func sealFrame(frame []byte) { binary.LittleEndian.PutUint32(frame[frameChecked:], frameSum(frame)) }

// open returns the event inside a frame. It allocates only when the size the
// frame claims is within the limits, and then less than twice the limit, beside
// a few hundred KiB that do not depend on the frame. The result shares
// the frame's memory when the event is not compressed.
func (c *Codec) open(frame []byte) ([]byte, error) {
	if err := fits("frame", len(frame), c.limits.FrameBytes); err != nil {
		return nil, err
	}
	if len(frame) < len(frameMagic) || string(frame[:len(frameMagic)]) != frameMagic {
		return nil, ErrNotFrame
	}
	if len(frame) < frameHeader {
		return nil, fmt.Errorf("%w: %d bytes are less than a header", ErrCorruptFrame, len(frame))
	}
	if frame[4] != frameVersion {
		return nil, fmt.Errorf("%w: %d", ErrUnknownVersion, frame[4])
	}
	if reserved := binary.LittleEndian.Uint16(frame[6:]); reserved != 0 {
		return nil, fmt.Errorf("%w: reserved bytes are %#04x", ErrUnknownVersion, reserved)
	}
	size := binary.LittleEndian.Uint32(frame[8:])
	if int64(size) > int64(c.limits.EventBytes) {
		return nil, &PayloadTooLarge{What: "event", Size: int64(size), Max: int64(c.limits.EventBytes)}
	}
	body := frame[frameHeader:]
	if length := binary.LittleEndian.Uint32(frame[12:]); int64(length) != int64(len(body)) {
		return nil, fmt.Errorf("%w: body has %d bytes, header says %d", ErrCorruptFrame, len(body), length)
	}
	if want := binary.LittleEndian.Uint32(frame[frameChecked:]); frameSum(frame) != want {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorruptFrame)
	}
	switch method := Compression(frame[5]); method {
	case None:
	case Zstd:
		var err error
		if body, err = c.inflate(body, int(size)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: %d", ErrUnknownCompression, method)
	}
	if len(body) != int(size) {
		return nil, fmt.Errorf("%w: event has %d bytes, header says %d", ErrCorruptFrame, len(body), size)
	}
	return body, nil
}

// frameSum is the checksum over header and body; crc32 keeps the table.
func frameSum(frame []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(frame[:frameChecked], table), table, frame[frameHeader:])
}
