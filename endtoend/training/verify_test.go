package training_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
)

// A demo's job is whole, and each of its steps comes out with its id again.
// Then one byte of each of its objects is flipped: it is named, and the other
// checkpoints are still listed.
func TestEveryObjectOfADemoIsVerifiedAndEveryStepReplayed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := demo(t, dir, "--steps", "3")
	store := filepath.Join(dir, "store")
	id := string(s.Job)
	cohort := func(args ...string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "cohort", append([]string{"checkpoint"}, append(args, "--store", "file://"+store)...)...).Output()
		return string(out), err
	}
	if out, err := cohort("replay", id, "--all"); err != nil || !strings.HasSuffix(out, "All 4 ids match.\n") {
		t.Errorf("replay: %v\n%s", err, out)
	}
	if out, err := cohort("verify", "--all", "--deep"); err != nil || !strings.Contains(out, "4 of 4 checkpoints are good") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	b, err := fs.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	last, n := "", 0
	for info, err := range b.List(t.Context(), job.ID(id).Prefix(), "") {
		if err != nil {
			t.Fatal(err)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		broken := append([]byte(nil), object.Body...)
		n++
		broken[n*7919%len(broken)] ^= 1 << (n % 8)
		put(t, b, info.Key, broken)
		j, err := scrub.One(t.Context(), b, job.ID(id), scrub.Deep)
		if err != nil || len(j.Findings) != 1 || j.Findings[0].Key != info.Key || len(j.Checkpoints) < 4 {
			t.Errorf("%s is corrupt: %+v, %v", info.Key, j.Findings, err)
		}
		put(t, b, info.Key, object.Body)
		last = info.Key
	}
	put(t, b, last, nil)
	if out, err := cohort("verify", id, "--deep"); err == nil || !strings.Contains(out, last) {
		t.Errorf("%s is corrupt: %v\n%s", last, err, out)
	}
}

func put(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}
