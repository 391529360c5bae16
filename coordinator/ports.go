// Package coordinator drives jobs: it performs the effects that the pure state
// machine of package job asks for, and feeds what came of them back to it. It
// decides nothing itself. Any number of coordinators may run; whoever drives a
// job without need does no harm.
package coordinator

import (
	"context"
	"time"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

// Queue hands shards to workers. All of it is a hint.
type Queue interface {
	// Enqueue adds tasks; one that is there already is left as it is.
	Enqueue(ctx context.Context, tasks []queue.Task) error
	// Status says what the queue knows of a task.
	Status(ctx context.Context, task queue.Task) (queue.Status, error)
	// Await returns when the barrier of a shard group was reached, or after d, and
	// how many shards of the group were reported by then.
	Await(ctx context.Context, group string, d time.Duration) (reported int, err error)
	// Hold takes or keeps the lease that names a job's driver, for ttl.
	Hold(ctx context.Context, id job.ID, holder string, ttl time.Duration) (bool, error)
	// Release gives the lease up, if holder has it.
	Release(ctx context.Context, id job.ID, holder string) error
}
