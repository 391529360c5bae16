package replay_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/replay"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

const id = job.ID("example-1")

// written is a job in a store, with its log.
func written(t *testing.T, o replaytest.Options) (*mem.Bucket, *job.Definition, []*job.Entry) {
	t.Helper()
	b := mem.New()
	def, err := replaytest.Write(t.Context(), b, id, o)
	if err != nil {
		t.Fatal(err)
	}
	return b, def, entries(t, b, id)
}

func entries(t *testing.T, b blob.Bucket, id job.ID) []*job.Entry {
	t.Helper()
	last, err := checkpoint.LastEntry(t.Context(), b, id, -1)
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*job.Entry, last+1)
	for n := range all {
		if all[n], err = checkpoint.ReadEntry(t.Context(), b, id, n); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// compute computes entry n again.
func compute(t *testing.T, b blob.Bucket, def *job.Definition, log []*job.Entry, n int) (*replay.Step, error) {
	t.Helper()
	if n == 0 {
		return replay.Entry(t.Context(), b, def, nil, log[0])
	}
	return replay.Entry(t.Context(), b, def, log[n-1], log[n])
}

// Every object of a checkpoint comes out byte for byte, without the checkpoint
// itself being there.
func TestCheckpointIsComputedAgainByteForByte(t *testing.T) {
	t.Parallel()
	for name, large := range map[string]bool{"one collect shard": false, "extract and assemble": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, def, log := written(t, replaytest.Options{Steps: 3, Large: large})
			for n, e := range log[:4] {
				c, _ := e.NewCheckpoint()
				lost := map[string][]byte{id.StepPrefix(0, c.Folder.Step) + string(c.Manifest): nil}
				for _, p := range c.Places {
					if p.Folder == c.Folder {
						lost[id.StepPrefix(0, p.Folder.Step)+string(p.Digest)] = nil
					}
				}
				for key := range lost {
					object, err := b.Get(t.Context(), key)
					if err != nil {
						t.Fatal(err)
					}
					lost[key] = object.Body
					if err := b.Delete(t.Context(), key); err != nil {
						t.Fatal(err)
					}
				}
				s, err := compute(t, b, def, log, n)
				if err != nil {
					t.Fatalf("step %d: %v", n, err)
				}
				if err := s.Matches(c); err != nil || s.FromLedger != nil {
					t.Errorf("step %d: %v, from the ledger because %v", n, err, s.FromLedger)
				}
				for key, want := range lost {
					got, ok := s.Image.Object(blob.Digest(key[strings.LastIndexByte(key, '/')+1:]))
					if !ok || !bytes.Equal(got, want) {
						t.Errorf("step %d: %s came out otherwise", n, key)
					}
					put(t, b, key, want)
				}
			}
		})
	}
}

func put(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}

func TestLedgerServesWhereACollectRecordIsLost(t *testing.T) {
	t.Parallel()
	b, def, log := written(t, replaytest.Options{Steps: 2})
	u := job.Unit{Job: id, Step: 2}
	put(t, b, job.Shard{Unit: u, Phase: job.Collect}.SettledKey(), nil)
	s, err := compute(t, b, def, log, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Matches(log[2].Commit.Checkpoint); err != nil || !errors.Is(s.FromLedger, blob.ErrCorrupt) {
		t.Errorf("%v, from the ledger because %v", err, s.FromLedger)
	}
	put(t, b, id.StepPrefix(0, 2)+string(log[2].Commit.Ledger.Parts[0].Digest), nil)
	if _, err := compute(t, b, def, log, 2); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("without both: %v", err)
	}
}

// A replay is a proof only if another batch, another parent or another spec
// gives another id.
func TestOtherInputsDoNotMatch(t *testing.T) {
	t.Parallel()
	b, def, log := written(t, replaytest.Options{Steps: 3})
	other := *log[2]
	commit := *other.Commit
	other.Commit = &commit
	commit.Batch = log[3].Commit.Batch
	if _, err := compute(t, b, def, []*job.Entry{log[0], log[1], &other}, 2); !errors.Is(err, replay.ErrDiffers) {
		t.Errorf("the batch of another step: %v, want ErrDiffers", err)
	}
	commit.Batch.Digest = log[2].Commit.Batch.Digest
	for _, part := range commit.Batch.Parts { // whole files, of other samples
		object, err := b.Get(t.Context(), id.StepPrefix(0, 3)+string(part.Blob.Digest))
		if err == nil {
			_, err = b.Put(t.Context(), id.StepPrefix(0, 2)+string(part.Blob.Digest), object.Body, blob.IfAbsent())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := compute(t, b, def, []*job.Entry{log[0], log[1], &other}, 2); !errors.Is(err, replay.ErrDiffers) {
		t.Errorf("the samples of another step: %v, want ErrDiffers", err)
	}
	parent := *log[1]
	grandparent := *log[1].Commit
	grandparent.Checkpoint = log[0].Begin.Checkpoint
	parent.Commit = &grandparent
	s, err := compute(t, b, def, []*job.Entry{log[0], &parent, log[2]}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Matches(log[2].Commit.Checkpoint); !errors.Is(err, replay.ErrDiffers) || !strings.Contains(err.Error(), string(s.Image.ID)) {
		t.Errorf("from another parent: %v, want ErrDiffers with both ids", err)
	}
	changed := *def
	changedSpec := *def.Spec
	changed.Spec = &changedSpec
	changedSpec.Optimizer.LearningRate *= 2
	if s, err = compute(t, b, &changed, log, 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Matches(log[2].Commit.Checkpoint); !errors.Is(err, replay.ErrDiffers) {
		t.Errorf("with another learning rate: %v, want ErrDiffers", err)
	}
}

func TestOtherNumericsAreRefusedByName(t *testing.T) {
	t.Parallel()
	b, def, log := written(t, replaytest.Options{Steps: 1})
	begin := *log[0].Begin
	begin.Numerics = "cohort-7"
	if _, err := replay.Entry(t.Context(), b, def, nil, &job.Entry{Begin: &begin}); !errors.Is(err, replay.ErrNumerics) || !strings.Contains(err.Error(), "cohort-7") {
		t.Errorf("begin: %v", err)
	}
	m, state, err := checkpoint.Load(t.Context(), b, id, begin.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	m.Numerics = "cohort-7"
	parent := *log[0]
	parent.Begin = &begin
	if begin.Checkpoint, err = checkpoint.Save(t.Context(), b, id, job.Folder{}, m, state, 1<<20, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := replay.Entry(t.Context(), b, def, &parent, log[1]); !errors.Is(err, replay.ErrNumerics) || !strings.Contains(err.Error(), "cohort-7") {
		t.Errorf("parent: %v", err)
	}
}

func TestJobThatGoesOnFromAnotherIsComputedFromIt(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{spec.ModeContinue, spec.ModeWarm} {
		b, _, log := written(t, replaytest.Options{Steps: 2})
		start := &spec.Start{Checkpoint: string(log[2].Commit.Checkpoint.Manifest), Job: string(id), Mode: mode}
		def, err := replaytest.Write(t.Context(), b, "example-2", replaytest.Options{Steps: 3, Start: start})
		if err != nil {
			t.Fatal(mode, err)
		}
		for n, e := range entries(t, b, "example-2") {
			c, ok := e.NewCheckpoint()
			if !ok {
				continue
			}
			s, err := compute(t, b, def, entries(t, b, "example-2"), n)
			if err == nil {
				err = s.Matches(c)
			}
			if err != nil {
				t.Errorf("%s, entry %d: %v", mode, n, err)
			}
		}
	}
}
