package blobtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

const logPrefix = "jobs/j/log/"

func logKey(n int) string { return fmt.Sprintf(logPrefix+"%020d.json", n) }

// Endless lets Commit go on until its process is killed.
const Endless = -1

// Commit appends to one log as coordinators do, with writers of one process at
// once. Each creates the entry after the last and goes on to the next when
// another was faster, until it has made as many commits. told gets a line for
// each entry that was acknowledged: its number, and its content, which is unlike
// that of all others as long as name is.
func Commit(ctx context.Context, b blob.Bucket, name string, writers, commits int, told io.Writer) error {
	last := 0
	for _, err := range b.List(ctx, logPrefix, "") {
		if err != nil {
			return err
		}
		last++
	}
	var mu sync.Mutex // guards told
	errs := make([]error, writers)
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			n := last
			for i := 0; i != commits && errs[w] == nil; {
				content := fmt.Sprintf("%s/%d/%d", name, w, i)
				_, err := b.Put(ctx, logKey(n), []byte(content), blob.IfAbsent())
				switch {
				case err == nil:
					mu.Lock()
					_, errs[w] = fmt.Fprintf(told, "%d %s\n", n, content)
					mu.Unlock()
					i++
				case !errors.Is(err, blob.ErrExists):
					errs[w] = err
				}
				n++
			}
		})
	}
	done.Wait()
	return errors.Join(errs...)
}

// Told is what committers were told.
type Told struct {
	mu      sync.Mutex     // guards entries
	entries map[int]string // number to content
}

// Read takes the lines of a committer until they end, and calls each after each.
// It is called for several committers at once.
func (w *Told) Read(t *testing.T, lines io.Reader, each func()) {
	t.Helper()
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		var n int
		var content string
		if _, err := fmt.Sscan(scanner.Text(), &n, &content); err != nil {
			t.Errorf("a committer printed %q: %v", scanner.Text(), err)
			continue
		}
		w.add(t, n, content)
		each()
	}
}

func (w *Told) add(t *testing.T, n int, content string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if other, taken := w.entries[n]; taken {
		t.Errorf("entry %d was acknowledged to %s and to %s", n, other, content)
	}
	if w.entries == nil {
		w.entries = map[int]string{}
	}
	w.entries[n] = content
}

// Check holds the log against what its committers were told: it has no hole, no
// content is there twice, and each entry that was acknowledged holds what was
// acknowledged. It returns the number of entries, and that of those that were
// acknowledged.
func (w *Told) Check(t *testing.T, b blob.Bucket) (entries, acknowledged int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]int{}
	for info, err := range b.List(t.Context(), logPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		if info.Key != logKey(entries) {
			t.Fatalf("entry %d is missing: %s comes after the one before", entries, info.Key)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		content := string(object.Body)
		if told, ok := w.entries[entries]; ok && told != content {
			t.Errorf("entry %d was acknowledged to %s and holds %s", entries, told, content)
		}
		if at, again := seen[content]; again {
			t.Errorf("%s is entry %d and entry %d", content, at, entries)
		}
		seen[content] = entries
		entries++
	}
	for n, told := range w.entries {
		if n >= entries {
			t.Errorf("entry %d was acknowledged to %s and is lost", n, told)
		}
	}
	return entries, len(w.entries)
}
