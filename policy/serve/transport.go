package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// do sends a request and hands a body with status 200 to read.
func (c Client) do(ctx context.Context, method string, target *url.URL, body []byte, read func(io.Reader) error) error {
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	// Every request is safe to repeat. The key tells the transport so, which
	// then replaces a connection that the server closed while it was idle; an
	// empty one is not sent.
	request.Header["Idempotency-Key"] = []string{}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	}
	transport := c.HTTP
	if transport == nil {
		transport = http.DefaultClient
	}
	response, err := transport.Do(request)
	if err != nil {
		return broken(ctx, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return statusError(response)
	}
	stream := &stream{from: response.Body}
	if err := read(stream); err != nil {
		if stream.err != nil {
			return broken(ctx, stream.err)
		}
		return err
	}
	// What is left, the end of the stream, must be read for the connection to be
	// used again.
	_, _ = io.CopyN(io.Discard, response.Body, maxSentence)
	return nil
}

// stream remembers why reading failed, which tells a body that did not arrive
// from one that is wrong.
type stream struct {
	from io.Reader
	err  error // of the connection; nil at a proper end
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// broken says what a connection that gave no answer means: the end of the
// caller's context, or that the server is not available.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func statusError(response *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSentence))
	var said failure
	if err != nil || json.Unmarshal(text, &said) != nil || said.Error == "" {
		said.Error = http.StatusText(response.StatusCode)
	}
	switch response.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w: %s", ErrUnavailable, ErrUnknown, said.Error)
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("%w: status %d: %s", ErrUnavailable, response.StatusCode, said.Error)
	}
	return &StatusError{Status: response.StatusCode, Message: said.Error}
}
