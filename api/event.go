package api

import "github.com/cohort-rl/cohort/job"

// EventKind is what an event tells.
type EventKind string

// The kinds of events.
const (
	// EventEntry is one entry of the job's log, in their order, each once.
	EventEntry EventKind = "entry"
	// EventHead comes when the job's progress has changed.
	EventHead EventKind = "head"
	// EventEnd is the last event: the job as it ended.
	EventEnd EventKind = "end"
	// EventLost is the client's own: the connection broke, and it connects again.
	EventLost EventKind = "lost"
)

// Event is something that happened in a job.
type Event struct {
	Kind EventKind
	// Entry is set for EventEntry.
	Entry *job.Entry
	// Job is set for EventHead and EventEnd.
	Job *Job
	// Err is why the connection broke, for EventLost.
	Err error
}
