package agent

import (
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// delivery observes whether a request was written in full to its connection:
// from then on the agent may have accepted it.
//
// net/http reports a request as written when it is in the connection's buffer,
// which is before the buffer goes to the operating system. So delivery asks the
// connection as well.
type delivery struct {
	conn    atomic.Pointer[meteredConn]
	before  atomic.Int64 // bytes that conn had written before the request
	written atomic.Bool
}

func (d *delivery) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			conn := metered(info.Conn)
			d.written.Store(false)
			d.before.Store(conn.bytes.Load())
			d.conn.Store(conn)
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) { d.written.Store(info.Err == nil) },
	}
}

// accepted says whether the agent may have accepted the request.
func (d *delivery) accepted() bool {
	conn := d.conn.Load()
	return conn != nil && d.written.Load() && !conn.failed.Load() && conn.bytes.Load() > d.before.Load()
}

// meteredConn counts what was written, and remembers that a write failed.
type meteredConn struct {
	net.Conn
	bytes  atomic.Int64
	failed atomic.Bool
}

func (c *meteredConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.bytes.Add(int64(n))
	if err != nil {
		c.failed.Store(true)
	}
	return n, err
}

// metered finds the metered connection below TLS.
func metered(conn net.Conn) *meteredConn {
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn()
	}
	if m, ok := conn.(*meteredConn); ok {
		return m
	}
	return &meteredConn{Conn: conn}
}
