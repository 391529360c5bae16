package blob_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
)

// However many keys a folder holds, it is listed once.
func TestFoldersAreListedByOneKeyOfEach(t *testing.T) {
	t.Parallel()
	store := mem.New()
	for _, key := range []string{"a/z", "jobs/b/1", "jobs/b/2", "jobs/b/c/3", "jobs/b-1/1", "jobs/c/1", "jobs/c/2", "k/z"} {
		put(t, store, key, "x")
	}
	lists := 0
	counted := blobtest.NewFaulty(store, func(op, _ string) blobtest.Fault {
		if op == "list" {
			lists++
		}
		return blobtest.Fault{}
	})
	var names []string
	for name, err := range blob.Folders(t.Context(), counted, "jobs/") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if want := []string{"b-1", "b", "c"}; !slices.Equal(names, want) || lists > len(want)+1 {
		t.Errorf("folders %v by %d lists, want %v", names, lists, want)
	}
	denied := blobtest.NewFaulty(store, func(string, string) blobtest.Fault { return blobtest.Fault{Before: blob.ErrDenied} })
	for name, err := range blob.Folders(t.Context(), denied, "jobs/") {
		if name != "" || !errors.Is(err, blob.ErrDenied) {
			t.Errorf("folder %q, %v", name, err)
		}
	}
}
