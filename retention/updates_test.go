package retention_test

import (
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay/replaytest"
	"github.com/cohort-rl/cohort/retention"
)

// What workers left of an update goes with its checkpoint, by the names in their
// records, but for content that a kept checkpoint has too.
func TestLeftoversOfUpdatesGoWithTheirCheckpoint(t *testing.T) {
	t.Parallel()
	b, line := written(t, replaytest.Options{})
	c, _ := line[5].NewCheckpoint()
	shared := blob.Ref{Digest: c.Places[0].Digest, Size: c.Places[0].Size}
	c.Places[0].Folder.Step = 2 // as if it had not changed since
	keys := map[string]string{}
	refs := map[string][]blob.Ref{}
	for _, name := range []string{"weights", "sum", "other"} {
		body := []byte(name)
		refs[name] = []blob.Ref{blob.RefOf(body)}
		keys[name] = id.StepPrefix(0, 2) + string(refs[name][0].Digest)
		if _, err := blob.PutContent(t.Context(), b, keys[name], body); err != nil {
			t.Fatal(err)
		}
	}
	keys["shared"] = id.StepPrefix(0, 2) + string(shared.Digest)
	if _, err := b.Put(t.Context(), keys["shared"], []byte("shared"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	s := job.Shard{Unit: job.Unit{Job: id, Step: 2}, Phase: job.Gradient(0, 1)}
	terms := job.GradientTerms{Format: job.TermsFormat, Shards: 1, Weights: refs["weights"]}
	settled := job.GradientRecord{Format: job.GradientFormat, Sum: append(refs["sum"], shared)}
	if err := errors.Join(records.Overwrite(t.Context(), b, s.TermsKey(), terms), records.Overwrite(t.Context(), b, s.SettledKey(), settled)); err != nil {
		t.Fatal(err)
	}
	pruned, err := retention.Prune(t.Context(), b, id, line, retention.Policy{Keep: 2}, map[blob.Digest]bool{}, noon)
	if err != nil || len(pruned) != 4 {
		t.Fatal(pruned, err)
	}
	for name, gone := range map[string]bool{"weights": true, "sum": true, "other": false, "shared": false} {
		if _, err := b.Head(t.Context(), keys[name]); errors.Is(err, blob.ErrNotFound) != gone {
			t.Errorf("%s: want gone %t, got %v", name, gone, err)
		}
	}
}
