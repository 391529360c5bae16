package serve

import (
	"errors"
	"fmt"
)

var (
	// ErrUnavailable says that the policy server is not there or not able now: a
	// refused, reset or broken connection, a timeout of our own, or the status
	// 502, 503, 504, or 404. It is no failure of the agent, which answers 503 for
	// it so that the attempt is made again.
	ErrUnavailable = errors.New("policy server is not available")
	// ErrUnknown says that the server answers but does not hold the policy. Such
	// an error is ErrUnavailable too, for the worker that gave the URL has been
	// replaced or has moved on.
	ErrUnknown = errors.New("policy is not served there")
	// ErrResponse says that the server's answer is not what was asked for: other
	// weights, another number of decisions, no JSON.
	ErrResponse = errors.New("invalid response of the policy server")
	// ErrNumerics says that the weights are for another arithmetic than this
	// program's, which would decide with other bits.
	ErrNumerics = errors.New("policy has other numerics")
)

// StatusError is an answer that will not become better by asking again.
type StatusError struct {
	Status  int    // HTTP status
	Message string // what the server said
}

// Error gives the status and what the server said.
func (e *StatusError) Error() string {
	return fmt.Sprintf("policy server answers %d: %s", e.Status, e.Message)
}
