package receiver

import (
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Why a body is not read.
var (
	errLong   = errors.New("it is longer than a body may be")
	errFull   = errors.New("there is no room for it at the moment")
	errCoding = errors.New("it is not packed in a way that is known")
)

// firstRoom is how much room a body gets before any of it has come: what its
// length claims is believed no further.
const firstRoom = 256 << 10

// read reads the body of a request, unpacked, into room that the share has taken.
func (s *Server) read(w http.ResponseWriter, r *http.Request, room *share) (body []byte, err error) {
	limit := s.config.Limits.Body
	if r.ContentLength > limit {
		return nil, fmt.Errorf("%w: it claims %d bytes, at most %d are taken", errLong, r.ContentLength, limit)
	}
	// A test's recorder has no connection, and so no deadline.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(s.config.Limits.Receive))
	defer func() {
		if err == nil { // What is left of another is not waited for any longer.
			_ = connection.SetReadDeadline(time.Time{})
		}
	}()
	if form(r) == textual {
		limit /= 4 // What it is read into takes some times its bytes.
	}
	packed := http.MaxBytesReader(w, r.Body, limit)
	switch coding := strings.ToLower(r.Header.Get("Content-Encoding")); coding {
	case "", "identity":
		return readAll(packed, limit, max(min(r.ContentLength, limit), 0), room)
	case "gzip":
		unpacked, err := gzip.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("read gzip: %w", err)
		}
		defer unpacked.Close() //nolint:errcheck // its checksum is read at its end
		return readAll(unpacked, limit, 4*max(r.ContentLength, 0), room)
	case "deflate":
		unpacked, err := zlib.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("read deflate: %w", err)
		}
		defer unpacked.Close()
		return readAll(unpacked, limit, 4*max(r.ContentLength, 0), room)
	default:
		return nil, fmt.Errorf("%w: Content-Encoding is %.40q; use gzip or none", errCoding, coding)
	}
}

// readAll reads up to limit bytes. The buffer doubles, up to what is expected in
// one step once some of it has come, and the share with it.
func readAll(from io.Reader, limit, expected int64, room *share) ([]byte, error) {
	size := min(max(expected+1, 512), firstRoom)
	if !room.grow(size) {
		return nil, errFull
	}
	body := make([]byte, 0, size)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, fmt.Errorf("%w: more than %d bytes", errLong, limit)
		case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
			return body, nil
		case err != nil:
			return nil, err
		}
		if len(body) < cap(body) {
			continue
		}
		next := min(4*int64(cap(body)), limit+1)
		if expected < next && expected > int64(cap(body)) {
			next = expected + 1
		}
		// Both are there while one is copied into the other.
		if !room.grow(next + int64(cap(body))) {
			return nil, errFull
		}
		body = append(make([]byte, 0, next), body...)
	}
}

// unread is the answer to a body that was not read.
func unread(err error) answer {
	var timeout net.Error
	switch {
	case errors.Is(err, errFull):
		return busy("the requests under way take all the memory that there is for them")
	case errors.Is(err, errLong):
		return failed(http.StatusRequestEntityTooLarge, err.Error()+": send fewer spans in a batch (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)")
	case errors.Is(err, errCoding):
		return failed(http.StatusUnsupportedMediaType, err.Error())
	case errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout()):
		return failed(http.StatusRequestTimeout, "the body did not come in time")
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return failed(http.StatusRequestEntityTooLarge, "the body is longer than its limit: send fewer spans in a batch (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)")
	}
	return failed(http.StatusBadRequest, "the body cannot be read: "+err.Error())
}
