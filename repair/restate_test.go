package repair_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

// restated spoils an entry, restates it and returns what it was and what it is.
func restated(t *testing.T, b blob.Bucket, def *job.Definition, n, last int) (was, is *job.Entry) {
	t.Helper()
	was, err := checkpoint.ReadEntry(t.Context(), b, def.ID, n)
	if err != nil {
		t.Fatal(err)
	}
	object, err := b.Get(t.Context(), def.ID.LogKey(n))
	if err != nil {
		t.Fatal(err)
	}
	spoil(t, b, def.ID.LogKey(n), object.Body)
	r := repair.Job{Store: b, Def: def, TopicPrefix: "cohort.", Tell: func(repair.Finding) {}}
	if is, err = r.Restate(t.Context(), n, last); err != nil {
		t.Fatal(err)
	}
	if is.Restated == "" {
		t.Errorf("entry %d does not say that it is restated", n)
	}
	is.At, is.Restated = was.At, ""
	return was, is
}

// The first entry of a job that began from another's checkpoint says again
// which, and where its own copy lies.
func TestBeginOfAJobWithAStartIsRestated(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{spec.ModeContinue, spec.ModeWarm} {
		b, _, _ := written(t, replaytest.Options{})
		from, err := checkpoint.ReadEntry(t.Context(), b, id, 2)
		if err != nil {
			t.Fatal(err)
		}
		start := &spec.Start{Checkpoint: string(from.Commit.Checkpoint.Manifest), Job: string(id), Mode: mode}
		def, err := replaytest.Write(t.Context(), b, "a-copy", replaytest.Options{Steps: 4, Start: start})
		if err != nil {
			t.Fatal(err)
		}
		was, is := restated(t, b, def, 0, 2)
		is.Begin.Topic = was.Begin.Topic // the made-up job has another's
		if !equal(t, was, is) {
			t.Errorf("%s: it says\n%s\nit said\n%s", mode, sealedForm(t, is), sealedForm(t, was))
		}
	}
}

// An entry that went back says again to which checkpoint, and where its copies
// lie, but not why.
func TestRewindIsRestated(t *testing.T) {
	t.Parallel()
	b, def, _ := written(t, replaytest.Options{Running: true})
	log := make([]*job.Entry, 4)
	for n := range log {
		var err error
		if log[n], err = checkpoint.ReadEntry(t.Context(), b, id, n); err != nil {
			t.Fatal(err)
		}
	}
	again := log[3].Commit
	rewind := &job.Rewind{
		To: 2, Reason: "it was lost", Checkpoint: moved(t, b, def, log[2]), Earlier: []job.Checkpoint{moved(t, b, def, log[1])},
		Marks: again.Marks, Totals: log[2].Commit.Totals,
	}
	for n, e := range map[int]*job.Entry{
		4: {Kind: job.KindRewind, Rewind: rewind}, 5: {Kind: job.KindCommit, Commit: again},
	} {
		e.Format, e.N, e.Generation = job.EntryFormat, n, 1
		if err := records.Overwrite(t.Context(), b, id.LogKey(n), e); err != nil {
			t.Fatal(err)
		}
	}
	was, is := restated(t, b, def, 4, 5)
	if is.Rewind.Reason == was.Rewind.Reason {
		t.Error("it knows why")
	}
	is.Rewind.Reason = was.Rewind.Reason
	if !equal(t, was, is) {
		t.Errorf("it says\n%s\nit said\n%s", sealedForm(t, is), sealedForm(t, was))
	}
	if was, is = restated(t, b, def, 3, 5); is.Kind != job.KindCommit || is.Commit.Checkpoint.Manifest != was.Commit.Checkpoint.Manifest {
		t.Errorf("the entry before it says\n%s", sealedForm(t, is))
	}
}

// moved copies a checkpoint into generation 1.
func moved(t *testing.T, b blob.Bucket, def *job.Definition, e *job.Entry) job.Checkpoint {
	t.Helper()
	c, _ := e.NewCheckpoint()
	m, state, err := checkpoint.Load(t.Context(), b, id, c)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := checkpoint.Save(t.Context(), b, id, job.Folder{Generation: 1, Step: c.Step}, m, state, int(def.Spec.Checkpoint.ChunkBytes), nil)
	if err != nil {
		t.Fatal(err)
	}
	copied.Weights = c.Weights
	return copied
}
