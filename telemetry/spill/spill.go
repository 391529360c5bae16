// Package spill keeps records in one file of the local disk until somebody has
// taken them: what must not be lost while no cluster can be reached.
//
// The file is append-only. A batch is written and synced (fsync) before Append
// returns, so what was reported as kept survives a kill and the loss of power;
// one fsync is paid for a batch. What a kill left half written at the end is
// recognised by length and checksum and cut at the next Open. One process at a
// time has the file, by a lock beside it that the system lets go of when the
// process ends, however that is. Both files are for their owner alone.
package spill

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The file, integers little-endian:
//
//	offset  bytes  field
//	0       4      magic "CHSP"
//	4       1      version, 1
//	5       3      reserved, 0
//	8              records until the end, each
//	        4      length of the payload, 1 to MaxRecord
//	        4      CRC-32C of the length's 4 bytes and the payload
//	               payload
const (
	magic      = "CHSP"
	version    = 1
	headerSize = 8
	recordHead = 8
)

// MaxRecord is the size of the largest payload, in bytes.
const MaxRecord = 64 << 20

// Errors of a spill file.
var (
	// ErrFull says that the records do not fit below the cap.
	ErrFull = errors.New("spill file is full")
	// ErrInUse says that another process, or another part of this one, has it.
	ErrInUse = errors.New("spill file is in use")
	// ErrNotSpill says that the file is something else, or of a later version.
	ErrNotSpill = errors.New("not a spill file of this version")
)

// Full says what Append does when the cap is reached.
type Full uint8

// What Append does when the cap is reached.
const (
	// Block refuses the records with ErrFull; the caller keeps them.
	Block Full = 0
	// OldestOut forgets the oldest records, about a quarter of the file at a
	// time, and hands them back.
	OldestOut Full = 1
)

// Config says which file, and how large it may be.
type Config struct {
	Path string
	// MaxBytes is the cap of the whole file.
	MaxBytes int64
	WhenFull Full
}

// Record is a payload and where it lies: from At up to, but without, End.
type Record struct {
	At, End int64
	Payload []byte
}

// Found says what a pass over a file came upon.
type Found struct {
	// Records are whole.
	Records int
	// Damaged records lie before whole ones and do not match their checksum.
	Damaged int
	// Torn is how many bytes at the end are no whole record: what a process was
	// writing when it ended. It had told nobody that they were kept.
	Torn int64
}

func header() []byte {
	return []byte{magic[0], magic[1], magic[2], magic[3], version, 0, 0, 0}
}

// appendRecord frames a payload.
func appendRecord(to, payload []byte) []byte {
	var head [recordHead]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(payload))) //nolint:gosec // at most MaxRecord
	binary.LittleEndian.PutUint32(head[4:], sum(head[:4], payload))
	return append(append(to, head[:]...), payload...)
}

func sum(length, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(length, table), table, payload)
}
