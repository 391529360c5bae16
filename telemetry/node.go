package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An event with the attribute KindAttribute = KindNode is the span of a node: a
// ToolCall without input and output, named by the node's path.
const (
	KindAttribute = "cohort.kind"
	KindNode      = "node"
)

// NodeError is the error of a node, as [Node] returns it. It has been recorded:
// nodes around, and Run, pass it on.
type NodeError struct {
	// Node is the path of the node.
	Node string
	// Err is what the node's function returned.
	Err error

	thread *Thread
}

func (e *NodeError) Error() string { return e.Node + ": " + e.Err.Error() }

// Unwrap returns what the node's function returned.
func (e *NodeError) Unwrap() error { return e.Err }

// Node records a span of the agent: that do was called, and for how long. Nodes
// nest through the context that do is given; the path of a node is the names of
// those around it and its own, as in plan/search.
//
// When do fails, the error is recorded instead, with the node's path, duration
// and attempt (one more than it failed in a row so far), and returned as a
// *NodeError. A panic is recorded and raised again.
func Node(ctx context.Context, name string, do func(ctx context.Context) error, attributes ...Attribute) error {
	thread := FromContext(ctx)
	inside, at := enter(ctx, name)
	if err := thread.callable("node", name, at, do == nil); err != nil {
		return err
	}
	took, err := thread.call(ctx, at, func() error { return do(inside) })
	if err != nil {
		return err
	}
	attributes = append([]Attribute{{KindAttribute, KindNode}}, attributes...)
	return thread.Record(ctx, at, ToolCall{Tool: at, Duration: took}, attributes...)
}

// callable refuses a call before it is made that could not be recorded after it.
func (t *Thread) callable(what, called, at string, none bool) error {
	switch {
	case t.missing():
		return fmt.Errorf("%s %s: %w", what, called, ErrNoThread)
	case called == "":
		return fmt.Errorf("%w: the %s has no name", ErrInvalidEvent, what)
	case none:
		return fmt.Errorf("%w: %s %s has no function to call", ErrInvalidEvent, what, called)
	}
	t.mu.Lock()
	ended := t.ended
	t.mu.Unlock()
	if ended {
		return fmt.Errorf("%s %s: %w", what, called, ErrEnded)
	}
	limits := t.sink.settings().limits
	return limits.names(name{what, at})
}

// call calls do in the node at a path, records that it failed or panicked, and
// returns how long it took.
func (t *Thread) call(ctx context.Context, at string, do func() error) (took time.Duration, err error) {
	began, attempt := t.now(), t.attempt(at)
	err = guard(do, func(failure Error, stack Attribute) {
		failure.Node, failure.Duration, failure.Attempt = at, t.since(began), attempt
		t.panicked(ctx, at, failure, stack)
	})
	took = t.since(began)
	if err == nil {
		t.succeeded(at)
		return took, nil
	}
	if t.knows(err) {
		return took, err
	}
	failure := describe(at, err)
	failure.Duration, failure.Attempt = took, attempt
	if recording := t.Record(ctx, at, failure); recording != nil {
		return took, errors.Join(err, recording)
	}
	return took, &NodeError{Node: at, Err: err, thread: t}
}

// knows says whether an error is wholly one that a node of the thread recorded.
func (t *Thread) knows(err error) bool {
	if node, ok := err.(*NodeError); ok && node.thread == t { //nolint:errorlint // the chain is walked here
		return true
	}
	inner := wrapped(err)
	for _, e := range inner {
		if !t.knows(e) {
			return false
		}
	}
	return len(inner) > 0
}

// attempt counts a call of the node at a path, from 1 after each success.
func (t *Thread) attempt(at string) uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.attempts == nil {
		t.attempts = make(map[string]uint32)
	}
	t.attempts[at]++
	return t.attempts[at]
}

func (t *Thread) succeeded(at string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.attempts, at)
}

func (t *Thread) now() time.Time { return t.sink.settings().now() }

// since is how long ago a moment was; never negative.
func (t *Thread) since(began time.Time) time.Duration { return max(t.now().Sub(began), 0) }
