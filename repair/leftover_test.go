package repair_test

import (
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

// What workers left of the update of a committed step is needed by nobody: where
// it is corrupt it is kept in quarantine and goes. That of a step that is still
// open stays, for its driver makes it again.
func TestCorruptLeftoversOfUpdatesAreTakenAway(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		b, def, _ := written(t, replaytest.Options{Running: running})
		var keys []string
		for _, step := range []int{2, 4} {
			s := job.Shard{Unit: job.Unit{Job: id, Step: step}, Phase: job.Gradient(0, 1)}
			sum := []byte("sum")
			err := errors.Join(
				records.Overwrite(t.Context(), b, s.TermsKey(), job.GradientTerms{Format: job.TermsFormat, Shards: 1}),
				records.Overwrite(t.Context(), b, s.SettledKey(), job.GradientRecord{Format: job.GradientFormat, Sum: []blob.Ref{blob.RefOf(sum)}}),
			)
			key := id.StepPrefix(0, step) + string(blob.DigestOf(sum))
			if _, putErr := b.Put(t.Context(), key, sum, blob.IfAbsent()); errors.Join(err, putErr) != nil {
				t.Fatal(err, putErr)
			}
			keys = append(keys, s.TermsKey(), s.SettledKey(), key)
		}
		if report := repaired(t, b, def); len(report.Restored)+len(report.Lost) > 0 {
			t.Fatalf("whole leftovers are repaired: %+v", report)
		}
		for _, key := range keys {
			object, err := b.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			spoil(t, b, key, object.Body)
		}
		report := repaired(t, b, def)
		left := 0
		for n, key := range keys {
			_, err := b.Head(t.Context(), key)
			stays := running && n >= 3
			if errors.Is(err, blob.ErrNotFound) == stays {
				t.Errorf("running %t: %s: %v", running, key, err)
			}
			if stays {
				left++
			}
		}
		if len(report.Restored) != len(keys)-left || len(report.Lost) != left || report.Whole() == running {
			t.Errorf("running %t: %+v", running, report)
		}
		for _, f := range report.Restored {
			if _, err := b.Head(t.Context(), f.Quarantined); err != nil {
				t.Errorf("%s is not kept: %v", f.Key, err)
			}
		}
		found, err := scrub.One(t.Context(), b, id, scrub.Deep)
		if err != nil || len(found.Findings) != left {
			t.Errorf("after the repair there are %+v, %v", found.Findings, err)
		}
	}
}
