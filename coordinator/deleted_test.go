package coordinator_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/coordinator"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/submission"
)

// lonely is a queue that gives every lease.
type lonely struct{ held atomic.Int64 }

func (*lonely) Enqueue(context.Context, []queue.Task) error { return nil }
func (*lonely) Status(context.Context, queue.Task) (queue.Status, error) {
	return queue.Status{}, nil
}
func (*lonely) Await(context.Context, string, time.Duration) (int, error) { return 0, nil }

func (q *lonely) Hold(context.Context, job.ID, string, time.Duration) (bool, error) {
	q.held.Add(1)
	return true, nil
}
func (*lonely) Release(context.Context, job.ID, string) error { return nil }

// A submission that was stalled for as long as its job lived, was done and was
// deleted puts the job back when it goes on.
func TestDeletedJobThatIsPutBackIsNotDriven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := mem.New()
		s, err := spec.Decode("job.yaml", []byte("name: sums\nsteps: 1\npolicy: {kind: linear, features: 2}\nagent: {url: \"http://127.0.0.1:1/\"}\ntasks: {data: a, groups: 2}\noptimizer: {learning_rate: 1}\n"))
		if err != nil {
			t.Fatal(err)
		}
		def, _, err := submission.Submit(t.Context(), store, submission.Request{Spec: s, ID: "sums-1", Files: map[string][]byte{spec.RoleTasks: []byte("{}\n")}})
		if err != nil {
			t.Fatal(err)
		}
		mark := struct {
			Format string `json:"format"`
		}{"cohort.deleted/1"}
		if err := records.Overwrite(t.Context(), store, def.ID.DeletedKey(), mark); err != nil {
			t.Fatal(err)
		}
		before := slices.DeleteFunc(keysOf(t, store), func(key string) bool { return key == def.ID.ActiveKey() })
		var q lonely
		var log strings.Builder
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_ = coordinator.NewSupervisor(coordinator.Config{ // it ends with ctx
			Store: store, Queue: &q, Clock: clock.System{}, Name: "me", Nonce: func() string { return "nonce" },
			Logger: slog.New(slog.NewTextHandler(&log, nil)), Poll: time.Second,
		}, time.Second, 3*time.Second).Run(ctx)
		if after := keysOf(t, store); !slices.Equal(before, after) || q.held.Load() == 0 {
			t.Errorf("asked for the lease %d times; the store held %q, and holds %q", q.held.Load(), before, after)
		}
		if n := strings.Count(log.String(), "The job was deleted"); n != 1 {
			t.Errorf("it is said %d times: %s", n, log.String())
		}
	})
}

func keysOf(t *testing.T, b blob.Bucket) []string {
	t.Helper()
	var all []string
	for info, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}
