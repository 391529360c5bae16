package simulation_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// manyGradients is the variation whose updates have most gradient shards.
const manyGradients = 7

// What is settled is found again: a coordinator that has lost every commit makes
// them once more without a single shard, those of gradients included, for there
// is no worker. Partial sums that were lost or changed are mended.
func TestSettledShardsAreNotDrivenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		after, want := forgetful(t)
		lost := after.loseSums(t)
		got, err := after.again(t)
		if err != nil || !slices.Equal(got.chain, want.chain) || got.shards != want.shards {
			t.Errorf("the checkpoints are %s with %d gradient shards, they were %s with %d; %v", got.chain, got.shards, want.chain, want.shards, err)
		}
		if n := len(after.queue.tasks); n > 0 {
			t.Errorf("%d shards were enqueued", n)
		}
		for _, key := range lost {
			if _, err := blob.GetContent(t.Context(), after.store, key, blob.Digest(key[strings.LastIndexByte(key, '/')+1:])); err != nil {
				t.Errorf("not mended: %v", err)
			}
		}
	})
}

// A partial sum counts for the terms that its record names, and for no others.
func TestGradientOfOtherTermsIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		after, want := forgetful(t)
		s := job.Shard{Unit: job.Unit{Job: after.def.ID, Step: 2}, Phase: job.Gradient(1, 0)}
		r, _, err := records.Read[job.GradientRecord](t.Context(), after.store, s.SettledKey(), job.GradientFormat)
		if err != nil {
			t.Fatal(err)
		}
		r.Terms = blob.DigestOf(nil)
		if err := records.Overwrite(t.Context(), after.store, s.SettledKey(), r); err != nil {
			t.Fatal(err)
		}
		got, err := after.again(t) // the error is that of who looks into the store
		if err == nil || got.verdict != job.Broken || !strings.Contains(got.reason, "not of the terms") || !slices.Equal(got.chain, want.chain[:2]) {
			t.Errorf("ended %s (%s) with the checkpoints %s, %v", got.verdict, got.reason, got.chain, err)
		}
	})
}

// forgetful is a world in which a job with gradient shards was done and has lost
// every commit, with a coordinator alone; want is how the job came out.
func forgetful(t *testing.T) (after *world, want outcome) {
	t.Helper()
	codec := newCodec(t)
	before := newWorld(runPlan{seed: 1 << 41, variation: manyGradients, gradients: 1}, codec)
	if err := before.live(); err != nil {
		t.Fatal(err)
	}
	want, err := before.judge()
	if err != nil || want.shards < 20 {
		t.Fatalf("%d gradient shards, %v", want.shards, err)
	}
	after = newWorld(before.plan, codec)
	after.store, after.log, after.def = before.store, before.log, before.def
	after.processes = after.processes[:1]
	after.loseCommits(t)
	return after, want
}

// again runs the job to its end once more.
func (w *world) again(t *testing.T) (outcome, error) {
	t.Helper()
	w.start(0, 1)
	err := w.run(func() bool { return w.retired() && !w.driven() })
	w.close()
	if err != nil {
		t.Fatalf("%v\n%s", err, w.history)
	}
	return w.judge()
}

// loseCommits makes the job one that has begun and committed nothing.
func (w *world) loseCommits(t *testing.T) {
	t.Helper()
	ctx := context.Background() //nolint:usetesting // the world is one of its own
	var gone []string
	for info, err := range w.store.List(ctx, w.def.ID.Prefix(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(info.Key, w.def.ID.LogPrefix()) && info.Key != w.def.ID.LogKey(0) || info.Key == w.def.ID.HeadKey() {
			gone = append(gone, info.Key)
		}
	}
	for _, key := range gone {
		if err := w.store.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.store.Put(ctx, w.def.ID.ActiveKey(), []byte("{}"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
}

// loseSums loses the partial sum of one gradient shard and changes another's.
func (w *world) loseSums(t *testing.T) []string {
	t.Helper()
	ctx := context.Background() //nolint:usetesting // the world is one of its own
	var keys []string
	for i, now := range [][]byte{nil, []byte("changed")} {
		s := job.Shard{Unit: job.Unit{Job: w.def.ID, Step: 2}, Phase: job.Gradient(i, 1)}
		r, _, err := records.Read[job.GradientRecord](ctx, w.store, s.SettledKey(), job.GradientFormat)
		if err != nil {
			t.Fatal(err)
		}
		key := s.Unit.BlobPrefix() + string(r.Sum[0].Digest)
		object, err := w.store.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		w.store.damaged(key, object.Body, now)
		if now == nil {
			err = w.store.Delete(ctx, key)
		} else {
			_, err = w.store.Put(ctx, key, now, blob.Always())
		}
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}
