package scrub_test

import (
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

// What was pruned is told from what was lost: only with the mark is a missing
// tensor no finding, and only of the checkpoint that is marked.
func TestPrunedTensorIsNoFinding(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 2})
	c := entryOf(t, b, 1).Commit.Checkpoint
	newest := entryOf(t, b, 2).Commit.Checkpoint
	gone := 0
	for _, p := range c.Places {
		if !slices.Contains(newest.Places, p) && p.Folder == c.Folder {
			remove(t, b, id.StepPrefix(p.Folder.Generation, p.Folder.Step)+string(p.Digest))
			gone++
		}
	}
	if j := one(t, b, scrub.Records); gone == 0 || len(j.Findings) != gone || j.Checkpoints[1].Good || j.Checkpoints[1].Pruned {
		t.Fatalf("%d chunks are gone: %+v", gone, j.Findings)
	}
	mark := struct {
		Format string `json:"format"`
	}{"cohort.pruned/1"}
	if err := records.Overwrite(t.Context(), b, id.Prefix()+"pruned/"+string(c.Manifest)+".json", mark); err != nil {
		t.Fatal(err)
	}
	j := one(t, b, scrub.Deep)
	if len(j.Findings) > 0 || j.Checkpoints[1].Good || !j.Checkpoints[1].Pruned || !j.Checkpoints[1].Recomputable || j.Resume == nil || j.Resume.Step != 2 {
		t.Errorf("%+v", j)
	}
	remove(t, b, own(newest))
	finding(t, one(t, b, scrub.Records), own(newest))
}
