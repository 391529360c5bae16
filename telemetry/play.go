package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EndBudget is how long [Run] tries to bring the end of a thread into the log
// after play has ended, whether its context has ended or not.
const EndBudget = 8 * time.Second

// Run records one thread: its Start, what play records through its context, the
// error or panic that play ends in, and its End; and it waits until all of it is
// acknowledged. An End follows whatever happens.
//
// The error is that of play, joined with that of recording, which is
// ErrUndelivered when the End was not acknowledged in the budget. A panic is
// recorded with its stack and then raised again with the same value. Once the broker is
// known to be lost (see [Producer.Admit]), Run does not wait for it.
func Run(ctx context.Context, to Sink, id, task string, play func(ctx context.Context) error, attributes ...Attribute) (Summary, error) {
	if play == nil {
		return Summary{}, fmt.Errorf("%w: nothing to run: play is nil", ErrInvalidEvent)
	}
	ctx, err := Open(ctx, to, id, task, attributes...)
	if err != nil {
		return Summary{}, err
	}
	thread := FromContext(ctx)
	began := thread.now()
	err = guard(func() error { return play(ctx) }, func(failure Error, stack Attribute) {
		finishing, cancel := finish(ctx, nil)
		defer cancel()
		failure.Duration = thread.since(began)
		thread.panicked(finishing, "panic", failure, stack)
		_, _ = thread.End(finishing) // The panic says more.
	})
	finishing, cancel := finish(ctx, err)
	defer cancel()
	if err != nil && !thread.knows(err) {
		failure := describe("", err)
		failure.Duration = thread.since(began)
		if recording := thread.Record(finishing, "error", failure); recording != nil {
			err = errors.Join(err, recording)
		}
	}
	summary, ending := thread.End(finishing)
	if errors.Is(ending, context.DeadlineExceeded) {
		ending = fmt.Errorf("%w: the log did not acknowledge the thread's end within %s: %w", ErrUndelivered, EndBudget, ending)
	}
	if ending != nil {
		err = errors.Join(err, ending)
	}
	return summary, err
}

// finish returns the context in which the end of a thread is recorded.
func finish(ctx context.Context, err error) (context.Context, context.CancelFunc) {
	finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), EndBudget)
	for _, lost := range []error{ErrUndelivered, ErrQueueFull, ErrNoTopic, ErrClosed} {
		if errors.Is(err, lost) {
			cancel() // What has room is still admitted; nothing is waited for.
		}
	}
	return finishing, cancel
}
