package api

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/proxy"
	"github.com/cohort-rl/cohort/secret"
)

// Client talks to a server. It is safe for concurrent use.
//
// Errors of its methods are *Unreachable when no server answers, *Error when it
// answers with an error, or the cause of the context's end.
type Client struct {
	// HTTP carries the requests. NewClient sets one that dials for at most 5 s
	// and follows no redirect.
	HTTP *http.Client

	base  *url.URL
	token *secret.Text // a pointer: fmt prints the text of a field that is not exported
}

// Access is what a client needs to be let in, and to trust the server. All of
// it may be left out.
type Access struct {
	// Token is what the server asks for.
	Token secret.Text
	// TLS says whom to trust; nil trusts the system's authorities. See
	// trust.Client.
	TLS *tls.Config
}

// NewClient returns a client of the server at base, such as
// http://127.0.0.1:7070. It refuses to send a token without TLS to another
// machine, and a proxy in the environment that is none.
func NewClient(base string, a Access) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the server's address must be a URL like http://127.0.0.1:7070, without user, query or fragment")
	}
	if u.Scheme == "http" && a.Token != "" && !loopback(u.Host) {
		return nil, errors.New("a token is sent over TLS alone: use https")
	}
	way, err := proxy.To(u)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{
		Proxy:                 way.Choose,
		DialContext:           dialer.DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		TLSClientConfig:       a.TLS.Clone(), // the transport adds its protocols to it
		IdleConnTimeout:       time.Minute,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
	}
	return &Client{
		HTTP: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		base:  u,
		token: &a.Token,
	}, nil
}

// Close closes the connections that are idle.
func (c *Client) Close() { c.HTTP.CloseIdleConnections() }

// Page is a part of the list of jobs.
type Page struct {
	Jobs []Job `json:"jobs"`
	// Next is what to ask for after this page, empty behind the last.
	Next string `json:"next,omitempty"`
}

// Jobs returns up to limit jobs (0: as many as the server likes), the newest
// first, behind the page that ended with after, and what to ask for next: empty
// behind the last.
func (c *Client) Jobs(ctx context.Context, limit int, after string) (jobs []Job, next string, err error) {
	query := url.Values{}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	if after != "" {
		query.Set("after", after)
	}
	var page Page
	err = c.call(ctx, http.MethodGet, c.url(query, "jobs"), nil, &page)
	return page.Jobs, page.Next, err
}

// Job returns a job.
func (c *Client) Job(ctx context.Context, id job.ID) (Job, error) {
	var j Job
	err := c.call(ctx, http.MethodGet, c.url(nil, "jobs", string(id)), nil, &j)
	return j, err
}

// Cancel asks for a job's end, which comes within seconds; asking twice is
// asking once. It returns the job as it is now.
func (c *Client) Cancel(ctx context.Context, id job.ID, reason string) (Job, error) {
	return c.control(ctx, id, "cancel", reason)
}

// Pause asks a job to stand still, which it does within a second; asking twice
// is asking once. It returns the job as it is now.
func (c *Client) Pause(ctx context.Context, id job.ID, reason string) (Job, error) {
	return c.control(ctx, id, "pause", reason)
}

// Resume asks a job that stands still to go on; asking one that does not changes
// nothing. It returns the job as it is now.
func (c *Client) Resume(ctx context.Context, id job.ID, reason string) (Job, error) {
	return c.control(ctx, id, "resume", reason)
}

func (c *Client) control(ctx context.Context, id job.ID, action, reason string) (Job, error) {
	var j Job
	body, err := json.Marshal(controlRequest{Reason: reason})
	if err != nil {
		return j, fmt.Errorf("encode the reason: %w", err)
	}
	err = c.call(ctx, http.MethodPost, c.url(nil, "jobs", string(id), action), body, &j)
	return j, err
}

// Delete deletes a job that has ended, with everything that it has in the store
// and its topic. Deleting again what is deleted is no error.
func (c *Client) Delete(ctx context.Context, id job.ID) error {
	ctx, cancel := context.WithTimeoutCause(ctx, submitTimeout, errSlow)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.url(nil, "jobs", string(id)).String(), nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	var d deleted
	_, err = c.do(request, &d)
	return err
}

// Version is what a server says of itself.
type Version struct {
	Version  string `json:"version"`  // of the program
	API      string `json:"api"`      // v1
	Numerics string `json:"numerics"` // of the arithmetic that its jobs compute with
}

// Version returns the server's version.
func (c *Client) Version(ctx context.Context) (Version, error) {
	var v Version
	err := c.call(ctx, http.MethodGet, c.url(nil, "version"), nil, &v)
	return v, err
}

// controlRequest is the body of a request to cancel, pause or resume.
type controlRequest struct {
	Reason string `json:"reason"`
}

// url is an address under /v1.
func (c *Client) url(query url.Values, path ...string) *url.URL {
	u := c.base.JoinPath("v1").JoinPath(path...)
	u.RawQuery = query.Encode()
	return u
}
