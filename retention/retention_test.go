package retention_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/replay/replaytest"
	"github.com/cohort-rl/cohort/retention"
)

const id job.ID = "example-1"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func written(t *testing.T, o replaytest.Options) (*mem.Bucket, []*job.Entry) {
	t.Helper()
	b := mem.New()
	o.Steps = 5
	if _, err := replaytest.Write(t.Context(), b, id, o); err != nil {
		t.Fatal(err)
	}
	line, err := repair.ReadLine(t.Context(), b, id, 5)
	if err != nil || len(line.Entries) != 6 {
		t.Fatal(len(line.Entries), err)
	}
	return b, line.Entries
}

func manifest(e *job.Entry) blob.Digest {
	c, _ := e.NewCheckpoint()
	return c.Manifest
}

func TestNewestBestAndPinnedAreKept(t *testing.T) {
	t.Parallel()
	_, line := written(t, replaytest.Options{})
	means := map[blob.Digest]float64{manifest(line[1]): 0.9, manifest(line[2]): 0.5}
	for name, c := range map[string]struct {
		policy retention.Policy
		want   []bool
	}{
		"all":        {retention.Policy{}, []bool{true, true, true, true, true, true}},
		"one is two": {retention.Policy{Keep: 1}, []bool{false, false, false, false, true, true}},
		"three":      {retention.Policy{Keep: 3}, []bool{false, false, false, true, true, true}},
		"staleness":  {retention.Policy{Keep: 2, Staleness: 1}, []bool{false, false, false, true, true, true}},
		"best":       {retention.Policy{Keep: 2, Best: 1, Means: means}, []bool{false, true, false, false, true, true}},
		"pinned":     {retention.Policy{Keep: 2, Pinned: map[blob.Digest]bool{manifest(line[0]): true}}, []bool{true, false, false, false, true, true}},
	} {
		if got := c.policy.Kept(line); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// What goes is of the pruned checkpoints alone, though blobs are shared; a pin
// that comes before the mark is heeded, one that comes after is refused.
func TestKeptCheckpointsStayWholeAndPinsMeetMarks(t *testing.T) {
	t.Parallel()
	b, line := written(t, replaytest.Options{})
	if err := retention.Pin(t.Context(), b, id, manifest(line[1]), noon); err != nil {
		t.Fatal(err)
	}
	pruned, err := retention.Prune(t.Context(), b, id, line, retention.Policy{Keep: 2}, map[blob.Digest]bool{}, noon)
	if err != nil {
		t.Fatal(err)
	}
	gone := 0
	for _, p := range pruned {
		if gone += len(p.Keys); p.ID == manifest(line[1]) {
			t.Error("a pinned checkpoint is pruned")
		}
	}
	if len(pruned) != 3 || gone == 0 {
		t.Errorf("pruned %+v", pruned)
	}
	for _, i := range []int{1, 4, 5} {
		c, _ := line[i].NewCheckpoint()
		if _, _, err := checkpoint.Load(t.Context(), b, id, c); err != nil {
			t.Errorf("kept: %v", err)
		}
	}
	for _, i := range []int{0, 2, 3} {
		c, _ := line[i].NewCheckpoint()
		if _, err := checkpoint.LoadManifest(t.Context(), b, id, c); err != nil {
			t.Errorf("its manifest is gone: %v", err)
		}
		if err := retention.Pin(t.Context(), b, id, manifest(line[i]), noon); !errors.Is(err, retention.ErrPruned) {
			t.Errorf("a pruned checkpoint is pinned: %v", err)
		}
	}
	if err := retention.Unpin(t.Context(), b, id, manifest(line[1])); err != nil {
		t.Fatal(err)
	}
	if pruned, err = retention.Prune(t.Context(), b, id, line, retention.Policy{Keep: 2}, map[blob.Digest]bool{}, noon); err != nil || len(pruned) != 4 {
		t.Errorf("pruned %+v, %v", pruned, err)
	}
}

// One pruner has seen no pin and deletes. Whoever pins then must find a mark,
// though another pruner, which saw the pin, has been there meanwhile.
func TestMarkOfOnePrunerIsSeenThoughAnotherHeedsThePin(t *testing.T) {
	t.Parallel()
	b, line := written(t, replaytest.Options{})
	prune := func(b blob.Bucket) error {
		_, err := retention.Prune(t.Context(), b, id, line, retention.Policy{Keep: 2}, map[blob.Digest]bool{}, noon)
		return err
	}
	pinned := manifest(line[1])
	var pinner, other error
	var pinning, deleting sync.Once
	late := blobtest.NewFaulty(b, func(op, key string) blobtest.Fault {
		if op == "head" && key == id.PrunedKey(pinned) {
			pinning.Do(func() { other = prune(b) })
		}
		return blobtest.Fault{}
	})
	deleter := blobtest.NewFaulty(b, func(op, _ string) blobtest.Fault {
		if op == "delete" {
			deleting.Do(func() { pinner = retention.Pin(t.Context(), late, id, pinned, noon) })
		}
		return blobtest.Fault{}
	})
	if err := errors.Join(prune(deleter), other); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(pinner, retention.ErrPruned) {
		t.Errorf("pinned while it was pruned: %v, want ErrPruned", pinner)
	}
}

func TestOrphansOfAnEndedJobAloneAreFound(t *testing.T) {
	t.Parallel()
	b, _ := written(t, replaytest.Options{Large: true})
	left := id.StepPrefix(0, 3) + string(blob.DigestOf([]byte("left")))
	if _, err := b.Put(t.Context(), left, []byte("left"), blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	orphans, err := retention.Orphans(t.Context(), b, id)
	if err != nil || len(orphans) != 1 || orphans[0].Key != left || orphans[0].Bytes != 4 {
		t.Fatalf("%+v, %v", orphans, err)
	}
	if err := retention.Sweep(t.Context(), b, orphans); err != nil {
		t.Fatal(err)
	}
	if orphans, err = retention.Orphans(t.Context(), b, id); err != nil || len(orphans) > 0 {
		t.Errorf("%+v, %v", orphans, err)
	}
	running, _ := written(t, replaytest.Options{Running: true})
	if _, err := retention.Orphans(t.Context(), running, id); !errors.Is(err, retention.ErrRunning) {
		t.Errorf("orphans of a job that runs: %v", err)
	}
}
