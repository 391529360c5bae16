package traces

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorruptPart says that bytes are no part that an extraction wrote.
var ErrCorruptPart = errors.New("corrupt part of an extract")

// A part holds records of one partition that count, as the log holds them, in
// the order of their offsets.
//
//	offset  bytes   field
//	0       4       magic "CHXP"
//	4       1       version, 1
//	5       3       reserved, 0
//	8       4       partition, little-endian
//	12              records until the end, each
//	        varint  place of the rollout in the plan
//	        varint  offset in the partition
//	        varint  length of the frame
//	                frame, which carries its own checksum
//
// Varints are unsigned LEB128.
const (
	partMagic   = "CHXP"
	partVersion = 1
	partHeader  = 12
)

// found is a record of an execution that counts.
type found struct {
	place     int // in the plan
	partition int
	offset    int64
	frame     []byte
}

func newPart(partition int) []byte {
	part := make([]byte, partHeader, 4<<10)
	copy(part, partMagic)
	part[4] = partVersion
	binary.LittleEndian.PutUint32(part[8:], uint32(partition))
	return part
}

func appendFound(part []byte, place int, offset int64, frame []byte) []byte {
	part = binary.AppendUvarint(part, uint64(place))
	part = binary.AppendUvarint(part, uint64(offset))
	part = binary.AppendUvarint(part, uint64(len(frame)))
	return append(part, frame...)
}

// readPart calls visit for each record of a part. Frames share the part's
// memory.
func readPart(part []byte, visit func(found) error) error {
	if len(part) < partHeader || string(part[:4]) != partMagic {
		return fmt.Errorf("%w: no header", ErrCorruptPart)
	}
	if part[4] != partVersion || part[5]|part[6]|part[7] != 0 {
		return fmt.Errorf("%w: unknown version %d", ErrCorruptPart, part[4])
	}
	f := found{partition: int(binary.LittleEndian.Uint32(part[8:]))}
	for at := partHeader; at < len(part); {
		var fields [3]uint64
		for i := range fields {
			v, n := binary.Uvarint(part[at:])
			if n <= 0 || v > 1<<62 {
				return fmt.Errorf("%w: bad number at byte %d", ErrCorruptPart, at)
			}
			fields[i] = v
			at += n
		}
		if fields[2] > uint64(len(part)-at) {
			return fmt.Errorf("%w: frame at byte %d is cut off", ErrCorruptPart, at)
		}
		f.place, f.offset, f.frame = int(fields[0]), int64(fields[1]), part[at:at+int(fields[2])]
		at += int(fields[2])
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}
