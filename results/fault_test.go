package results_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/results"
)

// Every object that Fetch reads is damaged once: none of it may pass, and
// nothing may appear.
func TestFlippedByteIsFoundInEveryObject(t *testing.T) {
	t.Parallel()
	b, j := write(t, nil)
	old := map[string]bool{} // chunks of other checkpoints' weights and of optimizers are not read
	newest := j.Checkpoints[len(j.Checkpoints)-1]
	for _, c := range j.Checkpoints[:len(j.Checkpoints)-1] {
		prefix := j.Definition.ID.StepPrefix(c.Folder.Generation, c.Folder.Step)
		old[prefix+string(c.Manifest)] = true
		for _, p := range c.Places {
			old[prefix+string(p.Digest)] = true
		}
	}
	damaged := 0
	for info, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if old[info.Key] {
			continue
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		body := append([]byte(nil), object.Body...)
		body[len(body)/2] ^= 1
		put(t, b, info.Key, body)
		r := request(t)
		r.Batches = true
		if _, err := results.Fetch(t.Context(), b, r); err == nil {
			t.Errorf("%s was damaged, and nobody noticed", info.Key)
		}
		if left, err := os.ReadDir(filepath.Dir(r.Dir)); err == nil && len(left) > 0 {
			t.Errorf("%s was damaged, and %s is left", info.Key, left[0].Name())
		}
		put(t, b, info.Key, object.Body)
		damaged++
	}
	if damaged < len(newest.Places)+10 {
		t.Errorf("only %d objects were damaged", damaged)
	}
	if _, err := results.Fetch(t.Context(), b, request(t)); err != nil {
		t.Errorf("after all was mended: %v", err)
	}
}

func put(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}

func TestFolderThatHoldsSomethingIsRefused(t *testing.T) {
	t.Parallel()
	b, j := write(t, nil)
	r := request(t)
	r.Batches = true
	if _, err := results.Fetch(t.Context(), b, r); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(r.Dir, "notes.txt")
	if err := os.WriteFile(notes, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := results.Fetch(t.Context(), b, r); !errors.Is(err, results.ErrNotEmpty) || !strings.Contains(err.Error(), r.Dir) {
		t.Fatalf("got %v, want the folder refused", err)
	}
	r.Force, r.Batches, r.Step = true, false, 1
	if _, err := results.Fetch(t.Context(), b, r); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, notes)); got != "mine" {
		t.Errorf("the user's own file is %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(r.Dir, "batches", "*")); err != nil || len(left) > 0 {
		t.Errorf("batches of the earlier fetch are left: %v, %v", left, err)
	}
	if got := blob.DigestOf(read(t, r.Dir, "manifest.json")); got != j.Checkpoints[1].Manifest {
		t.Errorf("manifest.json is %s, want that of step 1", got)
	}
}

func TestEmptyFolderIsFilled(t *testing.T) {
	t.Parallel()
	b, _ := write(t, nil)
	r := request(t)
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := results.Fetch(t.Context(), b, r); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(r.Dir)); err != nil || len(left) != 1 {
		t.Errorf("beside the folder lie %v, %v", left, err)
	}
}
