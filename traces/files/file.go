package files

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cohort-rl/cohort/traces/threads"
)

var errTooMuch = errors.New("it holds more than is read at once: split it")

// file reads one file and returns its length.
func (s Source) file(ctx context.Context, name string, left int64, to threads.Sink) (int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, errors.Unwrap(err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if info.Size() > left {
		return 0, fmt.Errorf("%w: %d bytes, %d are left of %d", errTooMuch, info.Size(), left, s.Limits.All)
	}
	r := reading{ctx: ctx, file: f, size: info.Size(), name: name, limit: s.Limits.Message, to: to}
	return info.Size(), r.all()
}

// reading is one file being read.
type reading struct {
	ctx   context.Context
	file  *os.File
	size  int64
	name  string
	limit int64
	to    threads.Sink
}

func (r *reading) place(offset int64) threads.Place {
	return threads.Place{Source: r.name, Partition: -1, Offset: offset}
}

func (r *reading) aside(offset int64, format string, values ...any) {
	r.to.Aside(r.place(offset), fmt.Errorf(format, values...))
}

// all reads the file by what its first bytes say: text, messages with their
// lengths before them, or one message.
func (r *reading) all() error {
	head := make([]byte, 64)
	n, err := r.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	switch {
	case n == 0:
		r.aside(0, "the file is empty")
		return nil
	case len(text) > 0 && (text[0] == '{' || text[0] == '['):
		return r.values()
	case r.prefixed(head):
		return r.lengths()
	case r.size > r.limit:
		r.aside(0, "it has %d bytes, at most %d are read", r.size, r.limit)
		return nil
	}
	return r.take(0, r.size)
}

// take hands over the bytes [from, from+size).
func (r *reading) take(from, size int64) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r.file, from, size), body); err != nil {
		return fmt.Errorf("at byte %d: %w", from, err)
	}
	return r.to.Take(threads.Message{Place: r.place(from), Body: body})
}

// prefixed reports whether the file begins with a length of four bytes and the
// first field of a request behind it. A request itself begins with that field.
func (r *reading) prefixed(head []byte) bool {
	return len(head) > 4 && head[0] != 0x0a && head[4] == 0x0a
}

// lengths reads messages that have their length before them, big-endian.
func (r *reading) lengths() error {
	for at := int64(0); at < r.size; {
		var prefix [4]byte
		if _, err := r.file.ReadAt(prefix[:], at); err != nil {
			r.aside(at, "the length of a message is cut off after %d bytes", r.size-at)
			return nil //nolint:nilerr // it is set aside
		}
		size := int64(binary.BigEndian.Uint32(prefix[:]))
		switch {
		case size > r.size-at-4:
			r.aside(at, "a message claims %d bytes, %d are there", size, r.size-at-4)
			return nil
		case size > r.limit:
			r.aside(at, "a message has %d bytes, at most %d are read", size, r.limit)
		default:
			if err := r.take(at+4, size); err != nil {
				return err
			}
		}
		at += 4 + size
	}
	return nil
}
