package simulation_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// Two coordinators take a job up at once whose newest checkpoint is damaged.
// Both go on with it, there is one outcome, and it is that of the undisturbed
// run: weights that can be computed again cost no step, and where the batch is
// lost with them the log goes back once.
func TestTwoCoordinatorsMeetADamagedCheckpoint(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	for seed := range uint64(3) {
		p := runPlan{seed: 1<<42 + seed, variation: int(seed) % 3, everybody: true, rot: true, gradients: int(seed) % 2, steps: 4}
		want := refs.of(t, p)
		for _, batch := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := stoppedWhen(t, p, refs, func(w *world) bool {
					_, err := w.store.Head(context.Background(), w.def.ID.LogKey(2)) //nolint:usetesting // the world is one of its own
					return err == nil
				})
				w.damageNewest(t, batch)
				for slot := range w.processes {
					w.start(slot, 1)
				}
				err := w.run(func() bool { return w.retired() && !w.driven() })
				w.close()
				if err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, w.history)
				}
				got, err := w.judge()
				if err == nil {
					err = got.like(want, false)
				}
				if rewinds := map[bool]int{true: 1}[batch]; err != nil || got.rewinds != rewinds {
					t.Errorf("seed %d, batch too %t: %d rewinds, want %d; %v\n%s", seed, batch, got.rewinds, rewinds, err, w.history)
				}
				for _, name := range []string{"coordinator-1", "coordinator-2"} {
					if !strings.Contains(w.history.String(), name+".1  put head.json") {
						t.Errorf("seed %d: %s did not drive the job", seed, name)
					}
				}
			})
		}
	}
}

// stoppedWhen is the world of a job whose processes have all died when something
// held. Nobody lives in it yet.
func stoppedWhen(t *testing.T, p runPlan, refs *references, held func(*world) bool) *world {
	t.Helper()
	before := newWorld(p, refs.codec)
	if err := before.submit(); err != nil {
		t.Fatal(err)
	}
	for slot := range before.processes {
		before.start(slot, 1)
	}
	err := before.run(func() bool { return held(before) })
	before.close()
	if err != nil {
		t.Fatalf("%v\n%s", err, before.history)
	}
	after := newWorld(p, refs.codec)
	after.store, after.log, after.def = before.store, before.log, before.def
	return after
}

// damageNewest damages what the newest commit stored of its checkpoint, and its
// batch too if that is asked for.
func (w *world) damageNewest(t *testing.T, batch bool) {
	t.Helper()
	ctx := context.Background() //nolint:usetesting // the world is one of its own
	last, err := checkpoint.LastEntry(ctx, w.store, w.def.ID, -1)
	if err != nil {
		t.Fatal(err)
	}
	e, err := checkpoint.ReadEntry(ctx, w.store, w.def.ID, last)
	if err != nil || e.Commit == nil {
		t.Fatal(e, err)
	}
	w.damage(e, batch)
}

// damage damages what a commit stored of its checkpoint, and its batch too if
// that is asked for.
func (w *world) damage(e *job.Entry, batch bool) {
	c := e.Commit.Checkpoint
	keys := []string{w.def.ID.StepPrefix(c.Folder.Generation, c.Folder.Step) + string(c.Manifest)}
	for _, place := range c.Places {
		if place.Folder == c.Folder {
			keys = append(keys, w.def.ID.StepPrefix(c.Folder.Generation, c.Folder.Step)+string(place.Digest))
		}
	}
	for _, part := range e.Commit.Batch.Parts {
		if batch {
			keys = append(keys, job.Unit{Job: w.def.ID, Generation: e.Generation, Step: c.Step}.BlobPrefix()+string(part.Blob.Digest))
		}
	}
	for _, key := range keys {
		w.spoil(key)
	}
}
