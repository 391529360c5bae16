package fs_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/fs"
)

func TestDirectoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Bucket {
		t.Helper()
		return create(t)
	})
}

func create(t testing.TB) *fs.Bucket {
	t.Helper()
	b, err := fs.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
