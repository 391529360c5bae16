package replay_test

import (
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/replay"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

func TestLineageGoesOnIntoTheJobThatItWasStartedFrom(t *testing.T) {
	t.Parallel()
	b, _, log := written(t, replaytest.Options{Steps: 2})
	start := &spec.Start{Checkpoint: string(log[2].Commit.Checkpoint.Manifest), Job: string(id), Mode: spec.ModeContinue}
	// The copy has a name before that of its origin, and the same id.
	if _, err := replaytest.Write(t.Context(), b, "a-copy", replaytest.Options{Steps: 4, Start: start}); err != nil {
		t.Fatal(err)
	}
	chain, err := replay.Lineage(t.Context(), b, "a-copy", 2)
	if err != nil || len(chain) != 5 {
		t.Fatalf("%d ancestors, %v: %+v", len(chain), err, chain)
	}
	for i, a := range chain {
		owner := job.ID("a-copy")
		if i > 1 {
			owner = id
		}
		if a.Step != 4-i || a.Job != owner || a.Problem != "" {
			t.Errorf("ancestor %d: %+v", i, a)
		}
		if i < 4 && (a.Parent != chain[i+1].Checkpoint || a.Batch == "" || len(a.Tasks) != 2 || a.Ledger.Planned != 4 || len(a.Metrics) == 0) {
			t.Errorf("ancestor %d: %+v", i, a)
		}
	}
	if err := b.Delete(t.Context(), id.LogKey(1)); err != nil {
		t.Fatal(err)
	}
	chain, err = replay.Lineage(t.Context(), b, "a-copy", 2)
	if err != nil || len(chain) == 0 || !strings.Contains(chain[len(chain)-1].Problem, "not found") && !strings.Contains(chain[len(chain)-1].Problem, "does not lie") {
		t.Errorf("with an entry gone: %+v, %v", chain, err)
	}
}

func TestWarmStartIsNamedAndFollowed(t *testing.T) {
	t.Parallel()
	b, _, log := written(t, replaytest.Options{Steps: 1})
	start := &spec.Start{Checkpoint: string(log[1].Commit.Checkpoint.Manifest), Job: string(id), Mode: spec.ModeWarm}
	if _, err := replaytest.Write(t.Context(), b, "warm", replaytest.Options{Steps: 1, Start: start}); err != nil {
		t.Fatal(err)
	}
	chain, err := replay.Lineage(t.Context(), b, "warm", 1)
	if err != nil || len(chain) != 4 || chain[1].Start == "" || chain[2].Job != id || chain[2].Step != 1 {
		t.Errorf("%+v, %v", chain, err)
	}
}
