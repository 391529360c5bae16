package submission_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

func pause(tb testing.TB, b blob.Bucket, id job.ID, nonce string) error {
	tb.Helper()
	return submission.Pause(tb.Context(), b, id, "", nonce, time.Unix(1_800_000_000, 0))
}

func resume(tb testing.TB, b blob.Bucket, id job.ID, nonce string) error {
	tb.Helper()
	return submission.Resume(tb.Context(), b, id, "", nonce, time.Unix(1_800_000_000, 0))
}

func TestPauseAndResumeAreWrittenWhereTheyChangeSomething(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	for i, ask := range []func(testing.TB, blob.Bucket, job.ID, string) error{resume, pause, pause, resume, resume, pause} {
		if err := ask(t, b, def.ID, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := cancel(t, b, def.ID, "enough", "c"); err != nil {
		t.Fatal(err)
	}
	// The end goes before everything else.
	if err := resume(t, b, def.ID, "late"); err != nil {
		t.Fatal(err)
	}
	if got, want := controls(t, b, def.ID), []string{"pause: ", "resume: ", "pause: ", "cancel: enough"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestManyWhoPauseAtOnceWriteOnce(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if err := pause(t, b, def.ID, fmt.Sprint(n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := controls(t, b, def.ID); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestEndedOrUnknownJobIsNotPaused(t *testing.T) {
	t.Parallel()
	b := mem.New()
	if err := pause(t, b, "sums-1", "a"); !errors.Is(err, submission.ErrUnknownJob) {
		t.Errorf("%v", err)
	}
	def, _ := submit(t, b, request(t, "sums-1"))
	finish(t, b, def.ID, job.End{Verdict: job.Cancelled, Reason: "enough"}, true)
	var ended *submission.EndedError
	if err := pause(t, b, def.ID, "a"); !errors.As(err, &ended) || !strings.Contains(err.Error(), "enough") {
		t.Errorf("%v", err)
	}
	if got := controls(t, b, def.ID); got != nil {
		t.Errorf("%q", got)
	}
}
