// Package queue carries shards from coordinators to workers: asynq tasks that
// hold references only, a barrier that hints when all shards of a phase are
// settled, the liveness of shards in hand, and the lease that names a job's
// driver. Everything here is a hint: Redis may lose all of it, at any moment,
// and the object store alone says what is done.
package queue

import (
	"errors"
	"time"

	"github.com/cohort-rl/cohort/job"
)

// TaskVersion is the newest version of the work that this build knows. A worker
// does tasks of it and of those before, and leaves newer ones alone.
const TaskVersion = 2

// VersionOf is the version that the work of a phase came with. Workers of an
// older build go on with all other phases.
func VersionOf(p job.Phase) int {
	if p.Kind() == job.Updating {
		return 2
	}
	return 1
}

// ErrLeftAlone says that a worker cannot do a task that another may do: of
// another version, say. The queue hands it out again without counting it.
var ErrLeftAlone = errors.New("left to another worker")

// Task is one drive of a shard.
type Task struct {
	Version int       `json:"version"`
	Shard   job.Shard `json:"shard"`
	// Drive counts how often the shard was handed out, from 1.
	Drive int `json:"drive"`
	// Timeout is how long a worker may have the task in hand.
	Timeout time.Duration `json:"timeout"`
}

// ID is the task's id in the queue.
func (t Task) ID() string { return t.Shard.TaskID(t.Drive) }

// Condition is what the queue knows of a task.
type Condition int

// The conditions of a task.
const (
	// Unknown: the queue does not hold the task; it ended, or Redis lost it.
	Unknown Condition = iota
	// Waiting: the task waits for a worker.
	Waiting
	// Running: a live worker has the task in hand.
	Running
	// Lapsed: a worker took the task and is alive no longer, or gave it up.
	Lapsed
)

// Status is the condition of a task, and the last error of a worker with it.
type Status struct {
	Condition Condition
	LastError string
}
