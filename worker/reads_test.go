package worker_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/worker"
)

// counted is a bucket that counts how often each object is read.
type counted struct {
	blob.Bucket
	mu   sync.Mutex // guards gets
	gets map[string]int
}

func (b *counted) Get(ctx context.Context, key string) (blob.Object, error) {
	b.mu.Lock()
	b.gets[key]++
	b.mu.Unlock()
	return b.Bucket.Get(ctx, key)
}

// What never changes is read once for all shards that a worker has of a unit,
// and what it settled itself not at all.
func TestWorkerReadsOnceWhatNeverChanges(t *testing.T) {
	t.Parallel()
	x := open(t, always(http.StatusOK, `{"events":1}`), nil)
	store := &counted{Bucket: x.store, gets: map[string]int{}}
	config := x.worker.Config
	config.Store = store
	w := worker.New(config)
	var shards sync.WaitGroup
	for index := range 2 {
		task := x.task
		task.Shard.Index = index
		shards.Go(func() {
			if err := w.Handle(t.Context(), task); err != nil {
				t.Error(err)
			}
		})
	}
	shards.Wait()
	if n := store.gets[x.plan.Unit.PlanKey()]; n != 1 {
		t.Errorf("the plan was read %d times", n)
	}
	for key, n := range store.gets {
		if strings.Contains(key, "/settled/") {
			t.Errorf("%s was read back %d times", key, n)
		}
	}
	for index := range 2 {
		s := job.Shard{Unit: x.plan.Unit, Phase: job.Rollout, Index: index}
		if _, err := x.store.Head(t.Context(), s.SettledKey()); err != nil {
			t.Error(err)
		}
	}
}

// However many units a worker has seen, each is done by its own plan.
func TestPlansOfManyUnitsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	x := open(t, always(http.StatusOK, `{"events":1}`), nil)
	for round := range 20 {
		plan := *x.plan
		plan.Unit.Round, plan.First = round, 2*round
		if round > 0 {
			adopt(t, x.store, plan.Unit.PlanKey(), job.PlanFormat, &plan)
		}
	}
	for _, round := range []int{0, 5, 19, 3, 7, 11, 13, 17, 2, 1} {
		x.task.Shard.Unit.Round = round
		for x.task.Shard.Index = range 2 {
			x.reports.said = nil
			if r := x.settled(); r.Executions[0].Group != 2*round+x.task.Shard.Index {
				t.Errorf("shard %d of round %d was done as group %d", x.task.Shard.Index, round, r.Executions[0].Group)
			}
		}
	}
}
