package checkpoint_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// history is a bucket with job a (steps 0 to 3, and a checkpoint of step 4 that
// was never committed) and job b, which continues from a's step 3.
func history(t *testing.T) (b *mem.Bucket, a []job.Checkpoint, other job.Checkpoint) {
	t.Helper()
	b = mem.New()
	for n := range 5 {
		c := save(t, b, "a", n, stateOf(float32(n)), nil)
		if n < 4 {
			commit(t, b, "a", n, c)
		}
		a = append(a, c)
	}
	commit(t, b, "b", 0, save(t, b, "b", 3, stateOf(3), nil))
	other = save(t, b, "b", 4, stateOf(40), nil)
	commit(t, b, "b", 1, other)
	return b, a, other
}

func TestCommittedCheckpointIsFoundByItsFirstDigits(t *testing.T) {
	t.Parallel()
	b, a, other := history(t)
	for n, c := range a[:4] {
		for _, digits := range []string{string(c.Manifest), string(c.Manifest[:12])} {
			f, err := checkpoint.Find(t.Context(), b, digits, "a")
			if err != nil || f.Job != "a" || f.Entry != n || !reflect.DeepEqual(f.Checkpoint, c) {
				t.Errorf("step %d by %s: %+v, %v", n, digits, f, err)
			}
		}
	}
	f, err := checkpoint.Find(t.Context(), b, string(other.Manifest[:12]), "")
	if err != nil || f.Job != "b" || f.Entry != 1 {
		t.Errorf("in any job: %+v, %v", f, err)
	}
}

func TestCheckpointThatTwoJobsHaveIsFound(t *testing.T) {
	t.Parallel()
	b, a, _ := history(t)
	f, err := checkpoint.Find(t.Context(), b, string(a[3].Manifest), "")
	if err != nil || f.Checkpoint.Manifest != a[3].Manifest {
		t.Fatalf("%+v, %v", f, err)
	}
	if _, _, err := checkpoint.Load(t.Context(), b, f.Job, f.Checkpoint); err != nil {
		t.Error(err)
	}
	if f, err := checkpoint.Find(t.Context(), b, string(a[3].Manifest), "b"); err != nil || f.Job != "b" || f.Entry != 0 {
		t.Errorf("in job b: %+v, %v", f, err)
	}
}

func TestWhatWasNotCommittedIsNotFound(t *testing.T) {
	t.Parallel()
	b, a, other := history(t)
	for name, c := range map[string]struct {
		digits blob.Digest
		id     job.ID
	}{
		"uncommitted":        {a[4].Manifest, ""},
		"a chunk":            {a[1].Places[0].Digest, ""},
		"unknown":            {blob.DigestOf([]byte("?")), ""},
		"another job's":      {other.Manifest, "a"},
		"job that is not":    {a[1].Manifest, "c"},
		"job named likewise": {a[1].Manifest, "a-2"},
	} {
		if f, err := checkpoint.Find(t.Context(), b, string(c.digits), c.id); !errors.Is(err, checkpoint.ErrNoCheckpoint) {
			t.Errorf("%s: %+v, %v, want ErrNoCheckpoint", name, f, err)
		}
	}
}

func TestAmbiguousDigitsAreAnErrorThatNamesBoth(t *testing.T) {
	t.Parallel()
	b, a, other := history(t)
	_, err := checkpoint.Find(t.Context(), b, "", "b")
	if err == nil || !strings.Contains(err.Error(), string(other.Manifest)) || !strings.Contains(err.Error(), string(a[3].Manifest)) {
		t.Errorf("error is %v", err)
	}
}

func TestCorruptLogIsAnErrorAndNotAbsence(t *testing.T) {
	t.Parallel()
	b, a, _ := history(t)
	put(t, b, job.ID("a").LogKey(2), []byte("{}"))
	if f, err := checkpoint.Find(t.Context(), b, string(a[2].Manifest), ""); err == nil || errors.Is(err, checkpoint.ErrNoCheckpoint) {
		t.Errorf("%+v, %v", f, err)
	}
}
