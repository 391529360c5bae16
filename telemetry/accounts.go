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
// Admitted = Acknowledged + DeadLettered + Spilled + Failed + Queued, and after
// Close Queued is 0. What follows Queued counts beside these.
//
// An event that is refused at the door, by the limits or by the Limiter, is an
// error for its caller at once. With [DeadLetters] that have room it is admitted
// all the same, so that the equation tells where it went, but gets no sequence:
// it is Queued, then DeadLettered, Spilled or Failed, and never Acknowledged.
// Otherwise it is in Refused and Discarded alone.
type Accounts struct {
	// Admitted events got a sequence and a place in the queue, or were refused at
	// the door and are on their way to the dead letters.
	Admitted uint64 `json:"admitted"`
	// Acknowledged events are in the log on all in-sync replicas, those that were
	// replayed from the spill file included.
	Acknowledged uint64 `json:"acknowledged"`
	// DeadLettered events are in the dead letters' topic on all in-sync replicas.
	DeadLettered uint64 `json:"dead_lettered"`
	// Spilled events are in the spill file, synced, and nowhere else for certain.
	Spilled uint64 `json:"spilled"`
	// Failed events were given up, are in no dead letter, and were reported: by
	// Flush, by Close, and by the Flush or End of their thread.
	Failed uint64 `json:"failed"`
	// Queued events wait, for the log or for the dead letters, or are in a
	// request under way.
	Queued uint64 `json:"queued"`

	// Uncertain counts events of which an answer of the log was lost: the log may
	// have them more often than once, or although they ended elsewhere.
	Uncertain uint64 `json:"uncertain"`
	// Dropped events found the queue full and were refused by choice. They are
	// not among the admitted.
	Dropped uint64 `json:"dropped"`
	// Refused counts events that the limits or the Limiter refused; Discarded
	// those of them that became no dead letters and were not admitted.
	Refused   uint64 `json:"refused"`
	Discarded uint64 `json:"discarded"`
	// Replayed counts records of the spill file that were sent back where they
	// belong, those that an earlier producer had left there included.
	Replayed uint64 `json:"replayed"`
	// Overwritten counts records that a full spill file forgot by choice. Those
	// of this producer are among the Failed.
	Overwritten uint64 `json:"overwritten"`
}

// Balanced reports whether the accounts add up.
func (a Accounts) Balanced() bool {
	return a.Admitted == a.Acknowledged+a.DeadLettered+a.Spilled+a.Failed+a.Queued
}

// Position is a place in the log: the offset of a message in its partition.
type Position struct {
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// undelivered is the error that reports events that the log does not have; nil
// if there are none.
func undelivered(failed uint64, cause error) error {
	if failed == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d are not in the log, the last because: %w", ErrUndelivered, failed, cause)
}
