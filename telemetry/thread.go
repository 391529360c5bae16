package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrEnded says that a thread has its End already.
var ErrEnded = errors.New("thread has ended")

// Thread records the events of one thread, usually one attempt of an agent at
// a task. Each method admits one event (see [Producer.Admit] for its errors)
// and may be called concurrently; the index of an event is its place in the
// order of admission. An event that was refused takes no index and may be
// recorded again, except when the producer drops by choice: then the index is
// spent, and readers see that the thread is incomplete.
type Thread struct {
	sink Sink
	id   string

	mu        sync.Mutex // guards what follows, and keeps indices in order
	next      uint64
	truncated bool
	ended     bool
	raised    bool              // the last event records a panic that goes on
	models    uint32            // model calls so far
	attempts  map[string]uint32 // calls of a node since it last succeeded
	states    states
	delivery  delivery // guarded by the sink
}

// Summary says what a thread left in the log.
type Summary struct {
	// Events is how many events the thread has, its End included.
	Events uint64
	// Acknowledged has the last acknowledged offset of each partition that
	// holds events of the thread, by partition.
	Acknowledged []Position
}

// NewThread opens a thread. Only one writer may use an id. [Run] does more: it
// also ends the thread.
func NewThread(to Sink, id string) *Thread {
	return &Thread{sink: to, id: id}
}

// missing says that there is no thread to record in.
func (t *Thread) missing() bool { return t == nil || t.sink == nil }

// Start records what the agent was asked to solve.
func (t *Thread) Start(ctx context.Context, task string, attributes ...Attribute) error {
	return t.Record(ctx, "start", Start{Task: task}, attributes...)
}

// Decide records a choice of the policy.
func (t *Thread) Decide(ctx context.Context, name string, decision Decision, attributes ...Attribute) error {
	return t.Record(ctx, name, decision, attributes...)
}

// Reward records a reward.
func (t *Thread) Reward(ctx context.Context, value float64, attributes ...Attribute) error {
	return t.Record(ctx, "reward", Reward{Value: value}, attributes...)
}

// Fail records an error that happened at a node: its class is [ErrorClass], its
// causes are all that it wraps. End is still to be called; [Run] and [Node] call
// Fail themselves.
func (t *Thread) Fail(ctx context.Context, node string, err error, attributes ...Attribute) error {
	return t.Record(ctx, node, describe(node, err), attributes...)
}

// Record records any body of a thread, without the secrets in it; a State that
// holds one is ErrInvalidEvent, for [Thread.State] takes them out. End is recorded
// by End alone.
func (t *Thread) Record(ctx context.Context, name string, body Body, attributes ...Attribute) error {
	if _, ok := body.(End); ok {
		return fmt.Errorf("%w: End is recorded by Thread.End", ErrInvalidEvent)
	}
	if t.missing() {
		return fmt.Errorf("record %s: %w", name, ErrNoThread)
	}
	if err := refuseSecrets(t.sink.settings().redact, body); err != nil {
		return fmt.Errorf("record %s: %w", name, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return fmt.Errorf("record %s: %w", name, ErrEnded)
	}
	return t.admit(ctx, name, body, attributes)
}

// admit records one event and spends its index. The caller holds mu.
func (t *Thread) admit(ctx context.Context, name string, body Body, attributes []Attribute) error {
	settings := t.sink.settings()
	err := t.sink.admit(ctx, conceal(settings.redact, Event{
		Thread: t.id, Index: t.next, Time: settings.now(), Name: name, Attributes: attributes, Body: body,
	}), &t.delivery)
	t.raised = false
	if err == nil || errors.Is(err, ErrDropped) {
		t.next++
	}
	return err
}

// Truncate notes that the agent cuts the thread off at a limit (steps, tokens,
// time), so that a job can tell it from one that ended by itself. End records
// it; after the end it is ErrEnded.
func (t *Thread) Truncate() error {
	if t.missing() {
		return fmt.Errorf("truncate: %w", ErrNoThread)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return fmt.Errorf("truncate: %w", ErrEnded)
	}
	t.truncated = true
	return nil
}

// Flush waits until every event recorded so far is acknowledged and returns
// the last offset of each partition. Its error is the context's, or
// ErrUndelivered when an event of the thread was given up.
func (t *Thread) Flush(ctx context.Context) ([]Position, error) {
	if t.missing() {
		return nil, fmt.Errorf("flush: %w", ErrNoThread)
	}
	return t.sink.flushDelivery(ctx, &t.delivery)
}

// End records the end, with the number of all events, and flushes the thread.
// It may be called again after an error: the end is recorded once.
func (t *Thread) End(ctx context.Context, attributes ...Attribute) (Summary, error) {
	if t.missing() {
		return Summary{}, fmt.Errorf("end: %w", ErrNoThread)
	}
	t.mu.Lock()
	if !t.ended {
		if err := t.admit(ctx, "end", End{Events: t.next + 1, Truncated: t.truncated}, attributes); err != nil {
			t.mu.Unlock()
			return Summary{}, err
		}
		t.ended = true
	}
	summary := Summary{Events: t.next}
	t.mu.Unlock()
	var err error
	summary.Acknowledged, err = t.Flush(ctx)
	return summary, err
}
