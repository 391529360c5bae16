package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/cohort-rl/cohort/traces/threads"
)

// errTooLong says that a value has more bytes than a message may have.
var errTooLong = errors.New("it is too long")

// values reads JSON: values one after another, on one line each or on several.
// Where one is damaged, reading goes on at the next line that begins an object.
func (r *reading) values() error {
	for at := int64(0); at < r.size; {
		bad, reason, err := r.run(at)
		if err != nil {
			return err
		}
		if reason == nil {
			return nil
		}
		r.to.Aside(r.place(bad), reason)
		if at, err = r.nextLine(bad); err != nil {
			return err
		}
	}
	return nil
}

// run reads values from an offset up to the end, or to the first that is
// damaged: it returns where that begins and what is wrong with it.
func (r *reading) run(from int64) (bad int64, reason, err error) {
	in := &bounded{r: io.NewSectionReader(r.file, from, r.size-from), until: r.limit}
	d := jsontext.NewDecoder(in, jsontext.AllowDuplicateNames(true))
	if from == 0 {
		in.r = withoutMark(in.r)
	}
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, nil, err
		}
		start := d.InputOffset()
		value, err := d.ReadValue()
		switch {
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return 0, nil, nil
		case errors.Is(err, errTooLong):
			return r.begin(from + start), fmt.Errorf("%w: more than %d bytes", errTooLong, r.limit), nil
		case err != nil:
			if _, syntax := errors.AsType[*jsontext.SyntacticError](err); !syntax && !errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, nil, err
			}
			return r.begin(from + start), fmt.Errorf("damaged JSON: %w", err), nil
		}
		body := bytes.Clone(value)
		at := from + d.InputOffset() - int64(len(value))
		if err := r.to.Take(threads.Message{Place: r.place(at), Body: body}); err != nil {
			return 0, nil, err
		}
		in.until = d.InputOffset() + r.limit
	}
}

// begin is the first offset from this one on that holds no white space.
func (r *reading) begin(at int64) int64 {
	in := bufio.NewReader(io.NewSectionReader(r.file, at, r.size-at))
	for {
		b, err := in.ReadByte()
		if err != nil || !bytes.ContainsRune([]byte(" \t\r\n"), rune(b)) {
			return at
		}
		at++
	}
}

// nextLine is where the first line after an offset begins that begins with an
// object, or the end.
func (r *reading) nextLine(at int64) (int64, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(r.file, at, r.size-at), 64<<10)
	for {
		line, err := in.ReadSlice('\n')
		at += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return r.size, nil
		case err != nil:
			return 0, err
		}
		if begins, err := in.Peek(1); err == nil && begins[0] == '{' {
			return at, nil
		}
	}
}

// bounded ends with errTooLong at a bound that moves on with what was read.
type bounded struct {
	r           io.Reader
	read, until int64
}

// Read reads up to the bound and some bytes beyond, never more than len(p).
func (b *bounded) Read(p []byte) (int, error) {
	if b.read > b.until {
		return 0, errTooLong
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	return n, err
}

// withoutMark puts a space for each byte of a byte order mark.
func withoutMark(r io.Reader) io.Reader {
	mark := []byte("\ufeff")
	head := make([]byte, len(mark))
	n, err := io.ReadFull(r, head)
	if err == nil && bytes.Equal(head, mark) {
		head = []byte("   ")
	}
	return io.MultiReader(bytes.NewReader(head[:n]), r)
}
