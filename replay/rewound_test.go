package replay_test

import (
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

// After a log went back, the chain leads past what it left behind.
func TestLineagePassesOverWhatALogWentBackFrom(t *testing.T) {
	t.Parallel()
	b, _, log := written(t, replaytest.Options{Steps: 2})
	back := log[1].Commit.Checkpoint
	for n, e := range map[int]*job.Entry{
		3: {Kind: job.KindRewind, Generation: 1, Rewind: &job.Rewind{Checkpoint: back}},
		4: {Kind: job.KindCommit, Generation: 1, Commit: log[2].Commit},
	} {
		e.Format, e.N = job.EntryFormat, n
		if err := records.Overwrite(t.Context(), b, id.LogKey(n), e); err != nil {
			t.Fatal(err)
		}
	}
	chain, err := replay.Lineage(t.Context(), b, id, 4)
	if err != nil || len(chain) != 3 || chain[0].Entry != 4 || chain[0].Parent != back.Manifest || chain[1].Entry != 1 || chain[2].Entry != 0 {
		t.Errorf("%+v, %v", chain, err)
	}
}
