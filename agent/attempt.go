package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

// errOver is the cause when an attempt's own time has passed.
var errOver = errors.New("the attempt's deadline has passed")

// Attempt asks the agent for one attempt and waits for its end, at most the
// request's deadline and the client's grace. It sends the request at most once,
// with the W3C trace context that ctx carries, or else the thread's own.
//
// The error is a *Failed (with the answer, as far as there is one), or wraps
// ErrWeather, ErrBroke, ErrTimedOut or ErrInvalidRequest; when ctx ended before
// the attempt did it is ctx's. A *Failed of ClassTimedOut is ErrTimedOut too.
func (c *Client) Attempt(ctx context.Context, r Request) (Answer, error) {
	answer, err := c.attempt(ctx, r)
	if err != nil {
		return answer, fmt.Errorf("attempt %s: %w", shorten(r.Thread, MaxThread), err)
	}
	return answer, nil
}

func (c *Client) attempt(ctx context.Context, r Request) (Answer, error) {
	body, err := encode(r)
	if err != nil {
		return Answer{}, err
	}
	limit := time.Duration(r.DeadlineMS)*time.Millisecond + c.grace
	limited, cancel := context.WithTimeoutCause(ctx, limit, errOver)
	defer cancel()
	var sent delivery
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(limited, sent.trace()),
		http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	trace := telemetry.TraceFrom(ctx)
	if trace.Parent == "" {
		trace.Parent = TraceParent(r.Thread)
	}
	trace.SetHTTP(request.Header)

	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, classify(ctx, limited, sent.accepted(), err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Answer{}, fmt.Errorf("%w: %s: %s", ErrWeather, response.Status, reason(content))
	}
	if err != nil {
		return Answer{}, classify(ctx, limited, true, err)
	}
	return interpret(r, response.StatusCode, content)
}

func encode(r Request) ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // It would make a task up to six times longer.
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	if body.Len() > MaxRequest {
		return nil, fmt.Errorf("%w: it has %d bytes, allowed are %d", ErrInvalidRequest, body.Len(), MaxRequest)
	}
	return body.Bytes(), nil
}

// classify names what it means that no whole response came.
func classify(caller, limited context.Context, accepted bool, err error) error {
	switch {
	case caller.Err() != nil:
		return context.Cause(caller)
	case errors.Is(context.Cause(limited), errOver) && accepted:
		return ErrTimedOut
	case accepted:
		return fmt.Errorf("%w: %w", ErrBroke, err)
	}
	return fmt.Errorf("%w: %w", ErrWeather, err)
}

// interpret reads a whole response that is not weather.
func interpret(r Request, status int, content []byte) (Answer, error) {
	if status != http.StatusOK {
		answer, failure := Answer{}, Failure{Class: fmt.Sprintf("status %d", status), Message: reason(content)}
		if err := json.Unmarshal(content, &answer); err == nil && answer.Error != nil {
			failure = *answer.Error
		}
		return Answer{}, &Failed{Status: status, Failure: failure.clean()}
	}
	answer, err := decode(r, content)
	if err != nil {
		return Answer{}, &Failed{Status: status, Failure: Failure{Class: "invalid answer", Message: err.Error()}.clean()}
	}
	if answer.Error != nil {
		return answer, &Failed{Status: status, Failure: *answer.Error}
	}
	return answer, nil
}

// decode reads an answer. It passes over unknown fields, so that agents can be
// newer than workers.
func decode(r Request, content []byte) (Answer, error) {
	if len(content) > MaxAnswer {
		return Answer{}, fmt.Errorf("it has over %d bytes", MaxAnswer)
	}
	var present struct {
		Events *uint64 `json:"events"`
	}
	var answer Answer
	if err := json.Unmarshal(content, &answer); err != nil {
		return Answer{}, fmt.Errorf("not JSON of the contract: %w", err)
	}
	if err := json.Unmarshal(content, &present); err != nil {
		return Answer{}, fmt.Errorf("not JSON of the contract: %w", err)
	}
	if answer.Error != nil {
		failure := answer.Error.clean()
		answer.Error = &failure
	} else if present.Events == nil {
		return Answer{}, errors.New("it lacks the field events")
	}
	return answer, answer.check(r)
}

// reason is what a response that is no answer says for itself.
func reason(content []byte) string {
	var answer Answer
	if err := json.Unmarshal(content, &answer); err == nil && answer.Error != nil {
		return shorten(answer.Error.Message, MaxMessage)
	}
	return shorten(string(bytes.TrimSpace(content[:min(len(content), MaxMessage)])), MaxMessage)
}
