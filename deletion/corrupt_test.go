package deletion_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
)

// Whichever object of the job is corrupt, its own definition and the end of its
// log included, the job is deleted, whole. Only while it may still be driven is
// a log whose end cannot be read a reason not to.
func TestDeletionWorksBesideEveryCorruptObject(t *testing.T) {
	t.Parallel()
	model := mem.New()
	ended(t, model, "gone-1", "mine")
	for _, key := range keys(t, model) {
		if strings.HasPrefix(key, job.SubmissionsPrefix) {
			continue // one that cannot be read belongs to nobody
		}
		b := mem.New()
		ended(t, b, "gone-1", "mine")
		if _, err := b.Put(t.Context(), key, []byte("corrupt"), blob.Always()); err != nil {
			t.Fatal(err)
		}
		var kafka topics
		if err := del(t, b, &kafka, "gone-1"); err != nil {
			t.Errorf("%s is corrupt: %v", key, err)
			continue
		}
		if left := keys(t, b); !slices.Equal(left, []string{job.ID("gone-1").DeletedKey()}) || !slices.Equal(kafka.deleted, []string{"cohort.x.gone-1"}) {
			t.Errorf("%s is corrupt: left are %q, deleted topics %q", key, left, kafka.deleted)
		}
	}
}

func TestLogWhoseEndCannotBeReadIsKeptWhileTheJobIsActive(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ended(t, b, "gone-1", "mine")
	log := slices.DeleteFunc(keys(t, b), func(key string) bool { return !strings.HasPrefix(key, job.ID("gone-1").LogPrefix()) })
	for _, key := range []string{log[len(log)-1], job.ID("gone-1").ActiveKey()} {
		if _, err := b.Put(t.Context(), key, []byte("corrupt"), blob.Always()); err != nil {
			t.Fatal(err)
		}
	}
	var running *deletion.RunningError
	if err := del(t, b, new(topics), "gone-1"); !errors.Is(err, blob.ErrCorrupt) && !errors.As(err, &running) {
		t.Errorf("got %v, want it refused", err)
	}
	if len(keys(t, b)) < len(log) {
		t.Error("something is gone")
	}
}
