package telemetry

import (
	"errors"
	"fmt"
)

// Errors of a producer. ErrUndelivered is joined with the last cause.
var (
	ErrClosed      = errors.New("telemetry producer is closed")
	ErrQueueFull   = errors.New("telemetry queue is full")
	ErrDropped     = errors.New("telemetry queue is full: event dropped")
	ErrUndelivered = errors.New("telemetry events were not delivered")
	ErrNoTopic     = errors.New("telemetry topic cannot be used")
)

// Accounts says what became of every event. At every moment
// Admitted = Acknowledged + Failed + Queued, and after Close Queued is 0.
type Accounts struct {
	// Admitted events got a sequence and a place in the queue.
	Admitted uint64 `json:"admitted"`
	// Acknowledged events are in the log on all in-sync replicas.
	Acknowledged uint64 `json:"acknowledged"`
	// Failed events were given up and reported: by Flush, by Close, and by the
	// Flush or End of their thread.
	Failed uint64 `json:"failed"`
	// Queued events wait, or are in a request under way.
	Queued uint64 `json:"queued"`
	// Uncertain counts events, acknowledged or failed, of which an answer was
	// lost: the log may have them more often than once, or although they failed.
	Uncertain uint64 `json:"uncertain"`
	// Dropped events found the queue full and were refused by choice. They are
	// not among the admitted.
	Dropped uint64 `json:"dropped"`
}

// Balanced reports whether the accounts add up.
func (a Accounts) Balanced() bool {
	return a.Admitted == a.Acknowledged+a.Failed+a.Queued
}

// Position is a place in the log: the offset of a message in its partition.
type Position struct {
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// undelivered is the error that reports failed events; nil if there are none.
func undelivered(failed uint64, cause error) error {
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d failed, the last because: %w", ErrUndelivered, failed, cause)
}
