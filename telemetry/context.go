package telemetry

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoThread says that a context carries no thread: it does not come from
// [Open] or [Run]. Nothing was recorded, and nothing was called.
var ErrNoThread = errors.New("context carries no thread")

type threadKey struct{}

// Open opens a thread, records its Start, and returns a context that carries
// it. The caller must call End; [Run] does, whatever happens.
func Open(ctx context.Context, to Sink, id, task string, attributes ...Attribute) (context.Context, error) {
	thread := NewThread(to, id)
	if err := thread.Start(ctx, task, attributes...); err != nil {
		return ctx, fmt.Errorf("open thread %s: %w", clip(id, maxClass), err)
	}
	return WithThread(ctx, thread), nil
}

// WithThread returns a context that carries a thread.
func WithThread(ctx context.Context, thread *Thread) context.Context {
	return context.WithValue(ctx, threadKey{}, thread)
}

// FromContext returns the thread that a context carries. Without one it returns
// nil, whose methods return ErrNoThread: FromContext(ctx).Reward(ctx, 1) needs
// no check of its own.
func FromContext(ctx context.Context) *Thread {
	thread, _ := ctx.Value(threadKey{}).(*Thread)
	return thread
}

type pathKey struct{}

// path is where in the agent a context is: the nodes around it, the outermost
// first, as in plan/search.
func path(ctx context.Context) string {
	p, _ := ctx.Value(pathKey{}).(string)
	return p
}

// enter returns the context inside a node, and its path.
func enter(ctx context.Context, node string) (inside context.Context, at string) {
	at = node
	if around := path(ctx); around != "" {
		at = around + "/" + node
	}
	return context.WithValue(ctx, pathKey{}, at), at
}
