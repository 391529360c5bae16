package fs_test

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/fs"
)

func TestDirectoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.Run(t, func(t *testing.T) blob.Bucket {
		t.Helper()
		b, dir := create(t)
		t.Cleanup(func() {
			if left := len(listDir(t, filepath.Join(dir, ".cohort", "tmp"))); left > 0 {
				t.Errorf("%d temporary files are left", left)
			}
		})
		return b
	})
}

func create(tb testing.TB) (*fs.Bucket, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "made", "on demand")
	b, err := fs.Create(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return b, dir
}

func listDir(tb testing.TB, dir string) []os.DirEntry {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return entries
}

// countdown is a context that ends after it was asked a number of times.
type countdown struct {
	context.Context
	left *atomic.Int32
	done chan struct{}
}

func (c countdown) Err() error {
	switch c.left.Add(-1) {
	case 0:
		close(c.done)
	case -1, -2, -3, -4, -5, -6, -7, -8:
	default:
		return nil
	}
	return context.Canceled
}

func (c countdown) Done() <-chan struct{} { return c.done }

func TestPutCancelledAtAnyMomentLeavesNothing(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	body := make([]byte, 12<<20)
	cancelled := 0
	for moment := int32(1); ; moment++ {
		left := new(atomic.Int32)
		left.Store(moment)
		_, err := b.Put(countdown{t.Context(), left, make(chan struct{})}, "key", body, blob.IfAbsent())
		if names := temporaries(t, dir); len(names) > 0 {
			t.Fatalf("cancelled at moment %d it left %q", moment, names)
		}
		if err == nil {
			break
		}
		cancelled++
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at moment %d: %v", moment, err)
		}
		if _, err := b.Get(t.Context(), "key"); !errors.Is(err, blob.ErrNotFound) {
			t.Fatalf("cancelled at moment %d it left an object, %v", moment, err)
		}
	}
	if cancelled < 4 {
		t.Fatalf("only %d moments were tried; the put hardly looks at its context", cancelled)
	}
}

func TestSweepSparesLivingWriters(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	ctx, stop := context.WithCancel(t.Context())
	var sweeper sync.WaitGroup
	sweeper.Go(func() {
		for ctx.Err() == nil {
			if _, err := b.Sweep(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for i := range 60 {
		key := fmt.Sprintf("objects/%d", i)
		if _, err := b.Put(t.Context(), key, []byte(key), blob.IfAbsent()); err != nil {
			t.Fatalf("put during a sweep: %v", err)
		}
	}
	stop()
	sweeper.Wait()
	orphan := filepath.Join(dir, ".cohort", "tmp", "put-orphan")
	if err := os.WriteFile(orphan, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Sweep(t.Context()); n != 1 || err != nil {
		t.Fatalf("swept %d, %v; want the orphan", n, err)
	}
}

func TestFilesThatAreNoObjectsAreNotListed(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	if _, err := b.Put(t.Context(), "jobs/a", nil, blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".DS_Store", "jobs/.nfs0001", "jobs/Upper", "jobs/bad%2", "jobs/lower%2f", "jobs/needless%61"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", filepath.Join(dir, "jobs", "link")); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for info, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if !slices.Equal(keys, []string{"jobs/a"}) {
		t.Fatalf("list gives %q, want the object alone", keys)
	}
}

func TestFolderOfAKeyIsNoKey(t *testing.T) {
	t.Parallel()
	b, _ := create(t)
	if _, err := b.Put(t.Context(), "a/b", nil, blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "a/b/c", "a/b/c/d"} {
		for _, cond := range []blob.Condition{blob.IfAbsent(), blob.Always()} {
			if _, err := b.Put(t.Context(), key, nil, cond); !errors.Is(err, blob.ErrInvalidKey) {
				t.Errorf("put %s %s: %v, want it refused", key, cond, err)
			}
		}
	}
}

func TestStoreThatVanishedHasNotLostItsObjects(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	if _, err := b.Put(t.Context(), "jobs/a", nil, blob.IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, dir+"-unmounted"); err != nil {
		t.Fatal(err)
	}
	_, getErr := b.Get(t.Context(), "jobs/a")
	_, headErr := b.Head(t.Context(), "jobs/a")
	_, putErr := b.Put(t.Context(), "jobs/b", nil, blob.IfAbsent())
	_, hintErr := b.Put(t.Context(), "jobs/b", nil, blob.Always())
	var listErr error
	for _, listErr = range b.List(t.Context(), "jobs/", "") {
		break
	}
	for i, err := range []error{getErr, headErr, putErr, hintErr, listErr, b.Delete(t.Context(), "jobs/a")} {
		if !errors.Is(err, blob.ErrUnavailable) || errors.Is(err, blob.ErrNotFound) {
			t.Errorf("call %d on a store that is gone: %v, want unavailable", i, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, iofs.ErrNotExist) {
		t.Errorf("the store was made again: %v", err)
	}
	if err := os.Rename(dir+"-unmounted", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "jobs/b", nil, blob.IfAbsent()); err != nil {
		t.Errorf("once it is back: %v", err)
	}
}

func TestFolderRemovedByOthersIsMadeAgain(t *testing.T) {
	t.Parallel()
	b, dir := create(t)
	for range 2 {
		if _, err := b.Put(t.Context(), "jobs/j/log/1", []byte("1"), blob.IfAbsent()); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "jobs")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenCreatesNothing(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "missing")} {
		if _, err := fs.Open(dir); !errors.Is(err, iofs.ErrNotExist) {
			t.Errorf("open %s: %v, want that there is no store", dir, err)
		}
	}
	if left := listDir(t, empty); len(left) > 0 {
		t.Fatalf("open left %v", left)
	}
}

func TestReadOnlyDirectoryIsDenied(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Create(filepath.Join(file, "store")); err == nil {
		t.Fatal("a store was made inside a file")
	}
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // a directory needs x
		t.Fatal(err)
	}
	if _, err := fs.Create(filepath.Join(dir, "store")); !errors.Is(err, blob.ErrDenied) {
		t.Fatalf("create: %v, want denied", err)
	}
}

func TestEveryValidKeyIsOneFileOfItsOwn(t *testing.T) {
	t.Parallel()
	b, _ := create(t)
	segment := rapid.StringN(1, 20, 60).Filter(func(s string) bool { return blob.CheckKey(s) == nil && !strings.Contains(s, "/") })
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		// Folders and objects have different ends, so no key is another's folder.
		key := segment.Draw(t, "folder") + "-folder/" + segment.Draw(t, "name") + "-object"
		if _, err := b.Put(ctx, key, []byte(key), blob.IfAbsent()); err != nil {
			t.Fatalf("put %q: %v", key, err)
		}
		object, err := b.Get(ctx, key)
		if err != nil || string(object.Body) != key {
			t.Fatalf("get %q: %q, %v", key, object.Body, err)
		}
		var listed []string
		for info, err := range b.List(ctx, key, "") {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, info.Key)
		}
		if !slices.Contains(listed, key) {
			t.Fatalf("list %q gives %q", key, listed)
		}
	})
}
