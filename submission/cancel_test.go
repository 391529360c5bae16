package submission_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/submission"
)

func cancel(tb testing.TB, b blob.Bucket, id job.ID, reason, nonce string) error {
	tb.Helper()
	return submission.Cancel(tb.Context(), b, id, reason, nonce, time.Unix(1_800_000_000, 0))
}

// controls are the reasons of the requests to a job, in order.
func controls(tb testing.TB, b blob.Bucket, id job.ID) []string {
	tb.Helper()
	var reasons []string
	for n := 0; ; n++ {
		c, _, err := records.Read[job.Control](tb.Context(), b, id.ControlKey(n), job.ControlFormat)
		if errors.Is(err, blob.ErrNotFound) {
			return reasons
		}
		if err != nil {
			tb.Fatal(err)
		}
		reasons = append(reasons, string(c.Action)+": "+c.Reason)
	}
}

func TestCancelIsWrittenOnce(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	var all sync.WaitGroup
	for _, nonce := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			if err := cancel(t, b, def.ID, "enough", nonce); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := controls(t, b, def.ID); !slices.Equal(got, []string{"cancel: enough"}) {
		t.Errorf("%q", got)
	}
}

func TestCancelPassesOverOtherAndUnreadableRequests(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	if err := records.Overwrite(t.Context(), b, def.ID.ControlKey(0), job.Control{Format: job.ControlFormat, Action: "pause"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), def.ID.ControlKey(1), []byte("garbage"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	if err := cancel(t, b, def.ID, "enough", "a"); err != nil {
		t.Fatal(err)
	}
	c, _, err := records.Read[job.Control](t.Context(), b, def.ID.ControlKey(2), job.ControlFormat)
	if err != nil || c.Action != job.ActionCancel || c.Nonce != "a" || !c.At.Equal(time.Unix(1_800_000_000, 0)) {
		t.Errorf("%+v (%v)", c, err)
	}
}

func TestUnknownJobIsNotCancelled(t *testing.T) {
	t.Parallel()
	b := mem.New()
	if err := cancel(t, b, "sums-1", "", "a"); !errors.Is(err, submission.ErrUnknownJob) {
		t.Errorf("%v", err)
	}
	if all := contents(t, b); len(all) != 0 {
		t.Errorf("the store holds %q", slices.Collect(maps.Keys(all)))
	}
}

func TestEndedJobSaysHowItEnded(t *testing.T) {
	t.Parallel()
	for _, end := range []job.End{
		{Verdict: job.Done},
		{Verdict: job.Broken, Reason: "step 2: the agent is dead"},
		{Verdict: job.Cancelled, Reason: "enough"},
	} {
		for _, hint := range []bool{true, false} {
			b := mem.New()
			def, _ := submit(t, b, request(t, "sums-1"))
			finish(t, b, def.ID, end, hint)
			err := cancel(t, b, def.ID, "late", "a")
			var ended *submission.EndedError
			switch {
			case end.Verdict == job.Cancelled:
				if err != nil {
					t.Errorf("asking again is an error: %v", err)
				}
			case !errors.As(err, &ended) || !strings.Contains(err.Error(), string(end.Verdict)) || !strings.Contains(err.Error(), end.Reason):
				t.Errorf("%s, hint %t: %v", end.Verdict, hint, err)
			}
			if got := controls(t, b, def.ID); got != nil {
				t.Errorf("%s, hint %t: %q was asked of an ended job", end.Verdict, hint, got)
			}
		}
	}
}

// finish ends a job after one step as its driver would, with or without a hint.
func finish(tb testing.TB, b blob.Bucket, id job.ID, end job.End, hint bool) {
	tb.Helper()
	at := time.Unix(1_800_000_000, 0).UTC()
	totals := job.Totals{Planned: 4, Used: 4}
	for n, e := range []job.Entry{
		{Kind: job.KindBegin, Begin: &job.Begin{Checkpoint: job.Checkpoint{Manifest: "m0"}}},
		{Kind: job.KindCommit, Commit: &job.Commit{Checkpoint: job.Checkpoint{Step: 1, Manifest: "m1"}, Totals: totals}},
		{Kind: job.KindEnd, End: &end},
	} {
		e.Format, e.N, e.At = job.EntryFormat, n, at
		if err := records.Overwrite(tb.Context(), b, id.LogKey(n), e); err != nil {
			tb.Fatal(err)
		}
	}
	if hint {
		h := job.Head{Format: job.HeadFormat, Entry: 2, Stage: job.StageEnded, Step: 1, Checkpoint: "m1", Totals: totals, End: &end, At: at}
		if err := records.Overwrite(tb.Context(), b, id.HeadKey(), h); err != nil {
			tb.Fatal(err)
		}
	}
	if err := b.Delete(tb.Context(), id.ActiveKey()); err != nil {
		tb.Fatal(err)
	}
}
