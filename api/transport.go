package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// errSlow says that the client's own patience was at its end, not the caller's.
var errSlow = errors.New("it did not answer in time")

// call asks for something small and decodes the answer into v.
func (c *Client) call(ctx context.Context, method string, target *url.URL, body []byte, v any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, requestTimeout, errSlow)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	_, err = c.do(request, v)
	return err
}

// do sends a request and decodes the answer into v.
func (c *Client) do(request *http.Request, v any) (status int, err error) {
	response, err := c.send(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, c.broken(request.Context(), err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return 0, c.foreign(response)
	}
	return response.StatusCode, nil
}

// send returns the answer to a request, if it is a success.
func (c *Client) send(request *http.Request) (*http.Response, error) {
	if *c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, c.broken(request.Context(), err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, c.broken(request.Context(), err)
	}
	var said failure
	if json.Unmarshal(text, &said) != nil || said.Error == nil || said.Error.Code == "" {
		return nil, c.foreign(response)
	}
	said.Error.Status = response.StatusCode
	return nil, said.Error
}

// broken says what a connection that gave no answer means: the end of the
// caller's context, or that no server is there.
func (c *Client) broken(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause != nil && !errors.Is(cause, errSlow) {
		return cause
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the address, which is said anyway
	}
	return &Unreachable{Server: c.base.String(), Err: cmp.Or(cause, err)}
}

// foreign is an answer that no server of Cohort gives.
func (c *Client) foreign(response *http.Response) *Error {
	return &Error{
		Status: response.StatusCode, Code: CodeForeign,
		Message: fmt.Sprintf("what answers at %s is no Cohort server of this version (status %d)", c.base, response.StatusCode),
		Remedy:  "name the server with --server URL",
	}
}
