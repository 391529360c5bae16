package checkpoint_test

import (
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

func TestNewestCheckpointIsThatOfTheLastCommit(t *testing.T) {
	t.Parallel()
	b := mem.New()
	const id = job.ID("sums-1")
	if _, err := checkpoint.Newest(t.Context(), b, id); !errors.Is(err, checkpoint.ErrNoCheckpoint) {
		t.Errorf("of an empty log: %v", err)
	}
	for n, e := range []job.Entry{
		{Kind: job.KindBegin, Begin: &job.Begin{Checkpoint: job.Checkpoint{Step: 4, Manifest: "m4"}}},
		{Kind: job.KindCommit, Commit: &job.Commit{Checkpoint: job.Checkpoint{Step: 5, Manifest: "m5"}}},
		{Kind: job.KindEnd, End: &job.End{Verdict: job.Done}},
	} {
		e.Format, e.N = job.EntryFormat, n
		if err := records.Overwrite(t.Context(), b, id.LogKey(n), e); err != nil {
			t.Fatal(err)
		}
		found, err := checkpoint.Newest(t.Context(), b, id)
		if want := min(4+n, 5); err != nil || found.Job != id || found.Checkpoint.Step != want || found.Entry != want-4 {
			t.Errorf("after entry %d: %+v (%v)", n, found, err)
		}
	}
}

func TestJobThatEndedBeforeItBeganHasNoCheckpoint(t *testing.T) {
	t.Parallel()
	b := mem.New()
	const id = job.ID("sums-1")
	e := job.Entry{Format: job.EntryFormat, Kind: job.KindEnd, End: &job.End{Verdict: job.Cancelled}}
	if err := records.Overwrite(t.Context(), b, id.LogKey(0), e); err != nil {
		t.Fatal(err)
	}
	if _, err := checkpoint.Newest(t.Context(), b, id); !errors.Is(err, checkpoint.ErrNoCheckpoint) {
		t.Errorf("%v", err)
	}
}
