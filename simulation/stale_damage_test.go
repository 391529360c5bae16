package simulation_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// What the steps that are open need, and not the newest checkpoint alone, is made
// whole when a job is taken up, or the job goes back to where all of it is: the
// checkpoint that a later step was planned under with its batch, that checkpoint
// alone, and the entry of the log that says where it lies.
func TestWhatOpenStepsNeedIsMadeWholeOrGoneBackFrom(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	for _, variation := range stale() {
		p := runPlan{seed: 1<<43 + uint64(variation), variation: variation, everybody: true, rot: true, steps: 6}
		want := refs.of(t, p)
		for name, c := range map[string]struct {
			damage  func(w *world, at *job.Entry)
			rewinds int
		}{
			"checkpoint and batch": {func(w *world, at *job.Entry) { w.damage(at, true) }, 1},
			"checkpoint":           {func(w *world, at *job.Entry) { w.damage(at, false) }, 0},
			"entry":                {func(w *world, at *job.Entry) { w.spoil(w.def.ID.LogKey(at.N)) }, 0},
		} {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background() //nolint:usetesting // the world is one of its own
				w := stoppedWhen(t, p, refs, func(w *world) bool {
					_, err := w.store.Head(ctx, w.def.ID.LogKey(4))
					return err == nil
				})
				e, err := checkpoint.ReadEntry(ctx, w.store, w.def.ID, 3)
				if err != nil {
					t.Fatal(err)
				}
				c.damage(w, e)
				for slot := range w.processes {
					w.start(slot, 1)
				}
				err = w.run(func() bool { return w.retired() && !w.driven() })
				w.close()
				if err != nil {
					t.Fatalf("variation %d, %s: %v\n%s", variation, name, err, w.history)
				}
				got, err := w.judge()
				if err == nil {
					err = got.like(want, false)
				}
				if err != nil || got.rewinds != c.rewinds {
					t.Errorf("variation %d, %s: %d rewinds, want %d; %v\n%s", variation, name, got.rewinds, c.rewinds, err, w.history)
				}
			})
		}
	}
}

// Where nobody can tell any more with which markers open steps began, because the
// entry that said so is lost and no range repeats it, their rollouts run again:
// nothing is left out.
func TestOpenStepsWhoseMarkersAreLostAreCollectedAgain(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	for _, variation := range stale() {
		p := runPlan{seed: 1<<43 + 8 + uint64(variation), variation: variation, rot: true, steps: 4}
		want := refs.of(t, p)
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background() //nolint:usetesting // the world is one of its own
			w := stoppedWhen(t, p, refs, func(w *world) bool {
				_, err := w.store.Head(ctx, w.def.ID.LogKey(1))
				return err == nil
			})
			keys := []string{w.def.ID.LogKey(0)}
			for step := range 4 {
				keys = append(keys, job.Unit{Job: w.def.ID, Step: step}.RangesKey(0))
			}
			for _, key := range keys {
				if object, err := w.store.Get(ctx, key); err == nil {
					w.store.damaged(key, object.Body, nil)
					_ = w.store.Delete(ctx, key)
				}
			}
			for slot := range w.processes {
				w.start(slot, 1)
			}
			err := w.run(func() bool { return w.retired() && !w.driven() })
			w.close()
			if err != nil {
				t.Fatalf("variation %d: %v\n%s", variation, err, w.history)
			}
			got, err := w.judge()
			if err == nil {
				err = got.like(want, false)
			}
			e, unread := checkpoint.ReadEntry(ctx, w.store, w.def.ID, 0)
			if err != nil || unread != nil || e.Restated == "" || got.rewinds != 0 {
				t.Errorf("variation %d: %d rewinds; %v, %v\n%s", variation, got.rewinds, err, unread, w.history)
			}
		})
	}
}
