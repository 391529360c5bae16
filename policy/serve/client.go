package serve

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
	"github.com/cohort-rl/cohort/secret"
)

// requestTimeout bounds a request whose context has no earlier deadline.
const requestTimeout = 60 * time.Second

// maxSentence bounds what of an error's body is kept, in bytes.
const maxSentence = 1 << 10

// Client asks one policy. A client costs nothing to make; an agent makes one
// for each attempt, over one http.Client for its lifetime. It is safe for
// concurrent use.
type Client struct {
	// URL is the policy's address as the agent was given it,
	// {base}/v1/policies/{digest}.
	URL string
	// Token is what the server asks for, as the agent was given it; may be empty.
	Token secret.Text
	// HTTP carries the requests: see NewHTTPClient. By default it is
	// http.DefaultClient, which keeps two connections alive.
	HTTP *http.Client
}

// NewHTTPClient returns an HTTP client for that many requests at a time. settings
// say whom it trusts; nil trusts the system's authorities. It uses no proxy and
// follows no redirect.
func NewHTTPClient(connections int, settings *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     time.Minute,
			TLSHandshakeTimeout: 5 * time.Second,
			TLSClientConfig:     settings.Clone(), // others may add their protocols to theirs
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// parse checks the URL. Its errors do not quote it, for it may hold a secret
// that does not belong there.
func (c Client) parse() (*url.URL, blob.Digest, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, "", errors.New("parse policy URL: it is no URL")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, "", errors.New("parse policy URL: expected http or https, a host, and a path that ends in /v1/policies/DIGEST")
	}
	digest, err := blob.ParseDigest(path.Base(u.Path))
	if err != nil {
		return nil, "", fmt.Errorf("parse policy URL: its path must end in a digest: %w", err)
	}
	return u, digest, nil
}

// Decide returns one choice for each decision of r, in their order. It may be
// called again after any error. Errors wrap ErrUnavailable, ErrResponse, the
// cause of ctx, or are a *StatusError.
func (c Client) Decide(ctx context.Context, r Request) ([]policy.Choice, error) {
	target, digest, err := c.parse()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode decisions: %w", err)
	}
	var response Response
	err = c.do(ctx, http.MethodPost, target.JoinPath("decide"), body, func(r io.Reader) error {
		if err := json.NewDecoder(io.LimitReader(r, MaxBody)).Decode(&response); err != nil {
			return fmt.Errorf("%w: %w", ErrResponse, err)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask policy: %w", err)
	}
	return response.Decisions, response.check(digest, r)
}

// check verifies that the response answers the request.
func (r Response) check(digest blob.Digest, request Request) error {
	if r.Digest != string(digest) {
		return fmt.Errorf("%w: decided under weights %.80q, asked for %s", ErrResponse, r.Digest, digest)
	}
	if len(r.Decisions) != len(request.Decisions) {
		return fmt.Errorf("%w: %d choices for %d decisions", ErrResponse, len(r.Decisions), len(request.Decisions))
	}
	for i, choice := range r.Decisions {
		features := request.Decisions[i].Features
		if choice.Chosen < 0 || choice.Chosen >= len(features.Values)/max(features.Width, 1) || !(choice.LogProb <= 0) {
			return fmt.Errorf("%w: choice %d is %+v", ErrResponse, i, choice)
		}
	}
	return nil
}

// Weights fetches the policy, to decide without asking. Its digest is verified.
// Errors are those of Decide, or wrap ErrNumerics.
func (c Client) Weights(ctx context.Context) (policy.Policy, error) {
	target, digest, err := c.parse()
	if err != nil {
		return nil, err
	}
	var p policy.Policy
	err = c.do(ctx, http.MethodGet, target.JoinPath("weights"), nil, func(r io.Reader) error {
		tensors, metadata, err := safetensors.Read(r, 4*policy.MaxWeights)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrResponse, err)
		}
		if got := metadata[numericsKey]; got != numerics.Version {
			return fmt.Errorf("%w: %.80q, this program has %q", ErrNumerics, got, numerics.Version)
		}
		if p, err = policy.FromTensors(tensors); err != nil {
			return fmt.Errorf("%w: %w", ErrResponse, err)
		}
		if got := p.Weights().Digest(); got != digest {
			return fmt.Errorf("%w: weights have the digest %s, asked for %s", ErrResponse, got, digest)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fetch policy: %w", err)
	}
	return p, nil
}
