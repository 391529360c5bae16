package daemon

import (
	"context"
	"log/slog"
	"time"
)

// drained runs f, which stops when ctx ends. What has not stopped when the grace
// period has passed too is left behind: the process ends, and whatever it was at
// is safe to be cut off. An update of a large policy cannot be put down sooner.
func drained(ctx context.Context, grace time.Duration, logger *slog.Logger, f func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		logger.Warn("The grace period has passed; what is not done is left to others.")
		return ctx.Err()
	}
}
