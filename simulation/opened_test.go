package simulation_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
)

// evaluating is a variation whose evaluations have opening markers of their own.
const evaluating = 3

// Opening markers that are lost while executions lie behind them are not made
// anew, which would leave those out where agents do not say where their events
// lie: the rollouts run again.
func TestLostOpeningMarkersLeaveNothingOut(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	p := runPlan{seed: 1 << 43, variation: evaluating, rot: true, modest: true}
	want := refs.of(t, p)
	synctest.Test(t, func(t *testing.T) {
		w := stoppedWhen(t, p, refs, func(w *world) bool { return w.find("/evals/", "/rollout-") != "" })
		w.takeAway(t, w.find("/evals/", "/opened/"))
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
