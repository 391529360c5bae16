package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// connections dials for a transport and can end all it dialled at once, so
// that no read on a silent broker outlives the producer.
type connections struct {
	dialer net.Dialer

	mu     sync.Mutex // guards open and closed
	open   map[*connection]struct{}
	closed bool
}

type connection struct {
	net.Conn
	owner *connections
}

func newConnections() *connections {
	return &connections{open: make(map[*connection]struct{})}
}

func (c *connections) dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := c.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("dial %s: %w", address, errors.Join(ErrClosed, raw.Close()))
	}
	conn := &connection{Conn: raw, owner: c}
	c.open[conn] = struct{}{}
	return conn, nil
}

// Close ends the connection; the owner forgets it.
func (c *connection) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}

// close ends every connection, and those still being dialled.
func (c *connections) close() {
	c.mu.Lock()
	c.closed = true
	open := make([]*connection, 0, len(c.open))
	for conn := range c.open {
		open = append(open, conn)
	}
	c.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close() // the reader on it gets the error
	}
}
