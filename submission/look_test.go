package submission_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

func TestFreshJobHasNoHint(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	if head, err := submission.Look(t.Context(), b, def.ID); head != nil || err != nil {
		t.Errorf("%+v (%v)", head, err)
	}
}

// The log says what a lost or corrupt hint said.
func TestLostHintOfAnEndedJobIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	end := job.End{Verdict: job.Broken, Reason: "step 2: late", Remedy: "more time"}
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	finish(t, b, def.ID, end, true)
	want, err := submission.Look(t.Context(), b, def.ID)
	if err != nil || want == nil || want.End == nil {
		t.Fatalf("%+v (%v)", want, err)
	}
	for name, spoil := range map[string]func() error{
		"corrupt": func() error {
			_, err := b.Put(t.Context(), def.ID.HeadKey(), []byte("garbage"), blob.Always())
			return err
		},
		"lost": func() error { return b.Delete(t.Context(), def.ID.HeadKey()) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if got, err := submission.Look(t.Context(), b, def.ID); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v (%v), expected %+v", name, got, err, want)
		}
	}
}

func TestLookThatFailsIsNotAnAbsentHint(t *testing.T) {
	t.Parallel()
	b := blobtest.NewFaulty(mem.New(), func(string, string) blobtest.Fault {
		return blobtest.Fault{Before: blob.ErrUnavailable}
	})
	if head, err := submission.Look(t.Context(), b, "sums-1"); head != nil || !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("%+v (%v)", head, err)
	}
}

func TestProgressOfARunningJobIsOneRead(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	finish(t, b, def.ID, job.End{Verdict: job.Done}, true)
	calls := 0
	counting := blobtest.NewFaulty(b, func(string, string) blobtest.Fault {
		calls++
		return blobtest.Fault{}
	})
	if _, err := submission.Look(t.Context(), counting, def.ID); err != nil || calls != 1 {
		t.Errorf("%d calls (%v)", calls, err)
	}
}
