package telemetry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// A spill file's payload is the message that the dead letters' topic would have
// got. Varints are unsigned LEB128; text is a varint of its length and its bytes.
//
//	varint  time of the event, nanoseconds since 1970
//	text    key
//	text    value: the frame
//	varint  number of headers, each
//	text    key
//	text    value

// errDamagedLetter is what a payload is that none of this wrote.
var errDamagedLetter = errors.New("it ends too early or too late")

// maxLetterHeaders bounds the headers of a letter.
const maxLetterHeaders = 1024

// marshal returns the payload of a letter.
func (l DeadLetter) marshal() []byte {
	b := binary.AppendUvarint(nil, uint64(max(l.Time.UnixNano(), 0))) //nolint:gosec // not negative
	text := func(value []byte) {
		b = binary.AppendUvarint(b, uint64(len(value)))
		b = append(b, value...)
	}
	text([]byte(l.Key))
	text(l.Frame)
	headers := l.headers()
	b = binary.AppendUvarint(b, uint64(len(headers)))
	for _, h := range headers {
		text([]byte(h.Key))
		text(h.Value)
	}
	return b
}

// ReadDeadLetter reads the payload of a spill file's record; ErrNoDeadLetter
// says what is wrong with it. It shares the memory.
func ReadDeadLetter(payload []byte) (DeadLetter, error) {
	r := letterReader{rest: payload}
	at := r.number()
	key, value := r.text(), r.text()
	var headers []Header
	if n := r.number(); n > maxLetterHeaders {
		r.bad = true
	} else {
		for range n {
			headers = append(headers, Header{Key: string(r.text()), Value: r.text()})
		}
	}
	if r.bad || len(r.rest) > 0 || at > 1<<63-1 {
		return DeadLetter{}, fmt.Errorf("%w: %w", ErrNoDeadLetter, errDamagedLetter)
	}
	return ParseDeadLetter(time.Unix(0, int64(at)).UTC(), key, value, headers) //nolint:gosec // checked
}

// letterReader takes a payload apart. Once it is bad it stays so.
type letterReader struct {
	rest []byte
	bad  bool
}

func (r *letterReader) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *letterReader) text() []byte {
	n := r.number()
	if r.bad || n > uint64(len(r.rest)) {
		r.bad = true
		return nil
	}
	value := r.rest[:n:n]
	r.rest = r.rest[n:]
	return value
}
