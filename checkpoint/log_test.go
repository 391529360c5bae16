package checkpoint_test

import (
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// logged is a bucket with a log of n entries.
func logged(t *testing.T, n int) *mem.Bucket {
	t.Helper()
	b := mem.New()
	for i := range n {
		commit(t, b, "j", i, job.Checkpoint{Step: i})
	}
	commit(t, b, "j-2", 0, job.Checkpoint{}) // another job, whose name begins so
	return b
}

func TestLastEntryIsTheNewest(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 12} {
		b := logged(t, n)
		for known := -1; known < n; known++ {
			if last, err := checkpoint.LastEntry(t.Context(), b, "j", known); err != nil || last != n-1 {
				t.Errorf("%d entries, %d is known: last %d, %v", n, known, last, err)
			}
		}
	}
}

func TestLogBehindItsHintIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3} {
		for _, known := range []int{n, n + 5} {
			if last, err := checkpoint.LastEntry(t.Context(), logged(t, n), "j", known); !errors.Is(err, checkpoint.ErrBehind) {
				t.Errorf("%d entries, %d is known: last %d, %v, want ErrBehind", n, known, last, err)
			}
		}
	}
}

func TestStrangersInTheLogsFolderAreNoEntries(t *testing.T) {
	t.Parallel()
	b := logged(t, 2)
	for _, name := range []string{"9.json", "00000000000000000009", "00000000000000000009.json.tmp", "-0000000000000000009.json", "notes.txt"} {
		put(t, b, job.ID("j").LogPrefix()+name, []byte("x"))
	}
	if last, err := checkpoint.LastEntry(t.Context(), b, "j", -1); err != nil || last != 1 {
		t.Errorf("last entry %d, %v", last, err)
	}
}

func TestEntryUnderAnotherNumberIsRefused(t *testing.T) {
	t.Parallel()
	b := logged(t, 2)
	object, err := b.Get(t.Context(), job.ID("j").LogKey(1))
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, job.ID("j").LogKey(2), object.Body)
	if e, err := checkpoint.ReadEntry(t.Context(), b, "j", 2); err == nil {
		t.Errorf("entry 2 is %+v", e)
	}
	if _, err := checkpoint.ReadEntry(t.Context(), b, "j", 3); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("error is %v, want ErrNotFound", err)
	}
}
