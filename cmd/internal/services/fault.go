package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/clock"
)

// Fault is what is wrong with a service, and what to do about it.
type Fault struct {
	// What is wrong and where, such as "Redis at 127.0.0.1:6379 does not answer".
	What string
	// Err is the cause; may be nil.
	Err error
	// Remedy names the setting to change; empty where Err does.
	Remedy string
	// Lasting says that asking again does not help.
	Lasting bool
	// Waited is for how long it was asked again; 0 if it was asked once.
	Waited time.Duration
}

// Error is one sentence without its full stop.
func (f *Fault) Error() string {
	text := f.What
	if f.Waited > 0 {
		text += fmt.Sprintf(" within %s", f.Waited)
	}
	if f.Err != nil {
		text += ": " + strings.TrimRight(f.Err.Error(), ".")
	}
	if f.Remedy == "" {
		return text
	}
	return text + "; " + f.Remedy
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// pause is how long a service that did not answer is left alone.
const pause = 200 * time.Millisecond

// await checks a service until the check succeeds, finds what lasts, or wait is
// over, and says so meanwhile.
func await(ctx context.Context, wait time.Duration, logger *slog.Logger, service string, check func(context.Context) error) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var fault *Fault
	said := false
	for {
		err := check(waiting)
		if err == nil {
			return nil
		}
		found, ok := errors.AsType[*Fault](err)
		if !ok || found.Lasting {
			return err
		}
		// That time is up says less than what was wrong before.
		if fault == nil || !errors.Is(err, context.DeadlineExceeded) {
			fault = found
		}
		if !said {
			logger.Info("Waiting for a service that does not answer yet.", "service", service, "error", fault.Err, "for", wait)
			said = true
		}
		if (clock.System{}).Sleep(waiting, pause) != nil {
			fault.Waited = wait
			return fault
		}
	}
}
