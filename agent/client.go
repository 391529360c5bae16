package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Defaults of Config.
const (
	defaultGrace       = 10 * time.Second
	defaultConnect     = 5 * time.Second
	defaultConcurrency = 64
)

// idle is how long an unused connection is kept. It is below what common
// servers keep theirs, so that a request is hardly ever written to a connection
// that the agent is closing.
const idle = 3 * time.Second

// Config says which agent a Client asks.
type Config struct {
	// URL takes the attempts: http or https, no user, no fragment.
	URL string
	// Health answers 200 to GET while the agent lives. By default it is
	// /healthz on URL's server.
	Health string
	// Concurrency is how many attempts run at once, for which connections are
	// kept; 64 by default. It is no limit.
	Concurrency int
	// Grace is what an agent has beyond the attempt's deadline to flush its
	// events and answer; 10 s by default.
	Grace time.Duration
	// Connect bounds the making of a connection, and a health check; 5 s by
	// default.
	Connect time.Duration
}

// Client asks one agent. It is safe for concurrent use. It follows no redirect,
// uses no proxy, and never sends an attempt twice.
type Client struct {
	url, health string
	grace       time.Duration
	connect     time.Duration
	transport   *http.Transport
	http        *http.Client
}

// NewClient returns a client. It connects to nothing yet.
func NewClient(c Config) (*Client, error) {
	target, err := parseURL("agent url", c.URL)
	if err != nil {
		return nil, err
	}
	health := *target
	health.Path, health.RawPath, health.RawQuery = "/healthz", "", ""
	if c.Health != "" {
		other, err := parseURL("agent health url", c.Health)
		if err != nil {
			return nil, err
		}
		health = *other
	}
	if c.Concurrency <= 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Grace <= 0 {
		c.Grace = defaultGrace
	}
	if c.Connect <= 0 {
		c.Connect = defaultConnect
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	dialer := &net.Dialer{Timeout: c.Connect}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &meteredConn{Conn: conn}, nil
		},
		TLSHandshakeTimeout: c.Connect,
		Protocols:           protocols,
		DisableCompression:  true,
		MaxIdleConns:        c.Concurrency + 1,
		MaxIdleConnsPerHost: c.Concurrency + 1,
		IdleConnTimeout:     idle,

		MaxResponseHeaderBytes: 64 << 10,
	}
	return &Client{
		url: target.String(), health: health.String(),
		grace: c.Grace, connect: c.Connect,
		transport: transport,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close closes the connections that are kept. Attempts in flight are the
// caller's to cancel.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Healthy says whether the agent's health check answers 200.
func (c *Client) Healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, c.connect)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.health, nil)
	if err != nil {
		return false
	}
	response, err := c.http.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, MaxAnswer))
	return err == nil && response.StatusCode == http.StatusOK
}

func parseURL(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err // without the URL, which may hold a secret
		}
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("read %s: scheme must be http or https", what)
	case u.Hostname() == "":
		return nil, fmt.Errorf("read %s: it names no host", what)
	case u.User != nil:
		return nil, fmt.Errorf("read %s: it must not carry a user or password", what)
	case u.Fragment != "":
		return nil, fmt.Errorf("read %s: it must not have a fragment", what)
	}
	return u, nil
}
