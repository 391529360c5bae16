package spill

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Scan reads the file at path without its lock and hands each whole record to
// visit, in order, until visit fails. The payload is visit's to keep. What a
// process is just writing looks torn and is left alone.
func Scan(path string, visit func(Record) error) (found Found, err error) {
	f, err := os.Open(path) //nolint:gosec // the user's choice
	if err != nil {
		return Found{}, fmt.Errorf("read spill file: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return Found{}, fmt.Errorf("read spill file: %w", err)
	}
	if err := checkHeader(f, info.Size()); err != nil {
		return Found{}, fmt.Errorf("read spill file %s: %w", path, err)
	}
	found, _, err = walk(f, headerSize, info.Size(), visit)
	return found, err
}

// checkHeader refuses a file that is no spill file.
func checkHeader(r io.ReaderAt, size int64) error {
	head := make([]byte, headerSize)
	if _, err := r.ReadAt(head, 0); err != nil || size < headerSize {
		return fmt.Errorf("%w: it has %d bytes", ErrNotSpill, size)
	}
	if string(head) != string(header()) {
		return fmt.Errorf("%w: it begins with %q", ErrNotSpill, head)
	}
	return nil
}

// errStop ends a walk early.
var errStop = errors.New("stop")

// walk visits the whole records from at up to size and returns where the last
// of them ends. A record that does not match its checksum is passed over by
// its length if a whole one follows; otherwise it belongs to the torn end.
func walk(r io.ReaderAt, at, size int64, visit func(Record) error) (found Found, good int64, err error) {
	good = at
	damaged := 0
	var head [recordHead]byte
	for size-at >= recordHead {
		if _, err := r.ReadAt(head[:], at); err != nil {
			return found, good, fmt.Errorf("read spill file: %w", err)
		}
		length := int64(binary.LittleEndian.Uint32(head[:]))
		if length == 0 || length > MaxRecord || at+recordHead+length > size {
			break
		}
		payload := make([]byte, length)
		if _, err := r.ReadAt(payload, at+recordHead); err != nil {
			return found, good, fmt.Errorf("read spill file: %w", err)
		}
		record := Record{At: at, End: at + recordHead + length, Payload: payload}
		at = record.End
		if sum(head[:4], payload) != binary.LittleEndian.Uint32(head[4:]) {
			damaged++
			continue
		}
		found.Damaged += damaged
		damaged = 0
		found.Records++
		good = at
		if err := visit(record); err != nil {
			return found, good, err
		}
	}
	found.Torn = size - good
	return found, good, nil
}
