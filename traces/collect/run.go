package collect

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/s2"
)

// A run is a part of a file: groups of entries in the order of their keys. It is
// an S2 stream, whose blocks carry checksums (CRC-32C of their content), of
//
//	varint  length of the key
//	        key
//	varint  entries of the group
//	varint  bytes of their bodies together
//	        entries, each
//	        varint  order, source, partition (plus one), offset, length of the body
//	                body
//
// Varints are unsigned LEB128.
type run struct {
	file     *os.File
	from, to int64
	groups   int
}

const (
	// blockBytes is the size of a block. Whoever reads a run holds two.
	blockBytes = 64 << 10
	maxKey     = 1 << 20
)

// errDamaged says that the disk did not give back what was written.
var errDamaged = errors.New("what was put on disk came back damaged")

// runWriter writes groups to the end of a file.
type runWriter struct {
	run
	at  *io.OffsetWriter
	s2  *s2.Writer
	row []byte
}

func newRunWriter(file *os.File, from int64) *runWriter {
	at := io.NewOffsetWriter(file, from)
	return &runWriter{run: run{file: file, from: from}, at: at, s2: s2.NewWriter(at, s2.WriterBlockSize(blockBytes), s2.WriterConcurrency(1))}
}

// begin writes the head of a group; its entries follow.
func (w *runWriter) begin(key string, entries int, bytes int64) error {
	w.groups++
	row := binary.AppendUvarint(w.row[:0], uint64(len(key)))
	row = append(row, key...)
	row = binary.AppendUvarint(row, uint64(entries)) //nolint:gosec // it counts
	w.row = binary.AppendUvarint(row, uint64(bytes)) //nolint:gosec // likewise
	_, err := w.s2.Write(w.row)
	return err
}

func (w *runWriter) add(e *entry) error {
	row := binary.AppendUvarint(w.row[:0], e.order)
	for _, v := range []int64{int64(e.source), int64(e.partition) + 1, e.offset, int64(len(e.body))} {
		row = binary.AppendUvarint(row, uint64(v)) //nolint:gosec // none is negative
	}
	w.row = row
	if _, err := w.s2.Write(row); err != nil {
		return err
	}
	_, err := w.s2.Write(e.body)
	return err
}

// end completes the run and returns it.
func (w *runWriter) end() (run, error) {
	if err := w.s2.Close(); err != nil {
		return run{}, err
	}
	size, err := w.at.Seek(0, io.SeekCurrent)
	if err != nil {
		return run{}, err
	}
	w.to = w.from + size
	return w.run, nil
}

// runReader reads a run, group by group.
type runReader struct {
	in   *bufio.Reader
	left int // groups
	head
	rest int // entries of the group that were not read yet
}

// head is what is known of a group before its entries are read.
type head struct {
	key     string
	entries int
	bytes   int64
}

func (r run) open() *runReader {
	section := io.NewSectionReader(r.file, r.from, r.to-r.from)
	stream := s2.NewReader(section, s2.ReaderMaxBlockSize(blockBytes), s2.ReaderAllocBlock(blockBytes))
	return &runReader{in: bufio.NewReaderSize(stream, 4<<10), left: r.groups}
}

// next goes to the next group; io.EOF says that there is none. The entries of
// the one before must have been read.
func (r *runReader) next() error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	key, err := r.bytes(maxKey, nil)
	if err != nil {
		return damaged(err)
	}
	entries, err := binary.ReadUvarint(r.in)
	if err != nil {
		return damaged(err)
	}
	bytes, err := binary.ReadUvarint(r.in)
	if err != nil {
		return damaged(err)
	}
	r.head = head{string(key), int(entries), int64(bytes)} //nolint:gosec // begin wrote them
	r.rest = r.entries
	return nil
}

// entry reads the next entry of the group into memory, if that is enough.
func (r *runReader) entry(memory []byte) (entry, error) {
	var fields [4]uint64
	for i := range fields {
		v, err := binary.ReadUvarint(r.in)
		if err != nil {
			return entry{}, damaged(err)
		}
		fields[i] = v
	}
	body, err := r.bytes(r.head.bytes, memory)
	if err != nil {
		return entry{}, damaged(err)
	}
	r.rest--
	return entry{
		order: fields[0], source: int32(fields[1]), partition: int32(fields[2]) - 1, offset: int64(fields[3]), body: body, //nolint:gosec // add wrote them
	}, nil
}

func (r *runReader) bytes(limit int64, memory []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(r.in)
	if err != nil {
		return nil, err
	}
	if n > uint64(limit) { //nolint:gosec // not negative
		return nil, fmt.Errorf("%d bytes where at most %d can be", n, limit)
	}
	if uint64(cap(memory)) < n {
		memory = make([]byte, n)
	}
	memory = memory[:n]
	_, err = io.ReadFull(r.in, memory)
	return memory, err
}

func damaged(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}
