package s3

import (
	"errors"
	"io"
	"sync"
)

// lease reads a body that belongs to the caller of Put, until Put returns. A
// connection may still be sending by then, when the server answered early. It is
// not seekable, so that the client does not try again by itself.
type lease struct {
	mu    sync.Mutex
	body  []byte // what is left; guarded by mu
	ended bool   // guarded by mu
}

func (l *lease) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, errors.New("the put has returned")
	}
	if len(l.body) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.body)
	l.body = l.body[n:]
	return n, nil
}

func (l *lease) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.body, l.ended = nil, true
}
