package job_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

func TestOriginIsReadFromItsText(t *testing.T) {
	t.Parallel()
	o := job.Origin{Mode: "warm", Checkpoint: blob.DigestOf(nil), Job: "a-1", Step: 20}
	if got, ok := job.ParseOrigin(o.String()); !ok || got != o {
		t.Errorf("%q is read as %+v, %t", o, got, ok)
	}
	for _, text := range []string{"", "warm", o.String() + " ", "warm checkpoint 12 of job a, step 1"} {
		if got, ok := job.ParseOrigin(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
