package simulation_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/job"
)

// Opening markers that are lost while executions lie behind them are not made
// anew, which would leave those out: the rollouts run again. The agents of this
// job do not say where their events lie, and a broken promise is their last.
func TestLostOpeningMarkersLeaveNothingOut(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	p := runPlan{seed: 1 << 43, variation: oneAttempt, rot: true, modest: true}
	want := refs.of(t, p)
	synctest.Test(t, func(t *testing.T) {
		recreated := false
		w := stoppedWhen(t, p, refs, func(w *world) bool {
			if !recreated && w.find("/settled/", "/rollout-") != "" { // of collection 0, whose markers go
				recreated = true
				for topic := range w.log.topics {
					w.log.recreate(topic)
				}
			}
			second := job.Shard{Unit: job.Unit{Job: w.def.ID, Step: 1}, Collection: 1, Phase: job.Rollout}
			return w.find(second.SettledKey(), "") != ""
		})
		w.takeAway(t, w.find("/opened/", ""))
		for slot := range w.processes {
			w.start(slot, 1)
		}
		err := w.run(func() bool { return w.retired() && !w.driven() })
		w.close()
		got, judged := w.judge()
		if err != nil || judged != nil || got.like(want, false) != nil {
			t.Errorf("%v, %v, %v\n%s", err, judged, got.like(want, false), w.history)
		}
	})
}

// find is a key of the job's that holds both parts, or empty.
func (w *world) find(one, other string) string {
	for info, err := range w.store.List(context.Background(), w.def.ID.Prefix(), "") {
		if err == nil && strings.Contains(info.Key, one) && strings.Contains(info.Key, other) {
			return info.Key
		}
	}
	return ""
}

// takeAway loses an object.
func (w *world) takeAway(t *testing.T, key string) {
	t.Helper()
	ctx := context.Background() //nolint:usetesting // the world is one of its own
	object, err := w.store.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	w.store.damaged(key, object.Body, nil)
	if err := w.store.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
}
