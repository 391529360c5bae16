package blobtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

func createKeepsTheFirst(t *testing.T, b blob.Bucket) {
	t.Helper()
	first := []byte("first")
	version := mustPut(t, b, "log/1", first, blob.IfAbsent())
	for _, other := range []string{"other", "longer than the first", ""} {
		if _, err := b.Put(t.Context(), "log/1", []byte(other), blob.IfAbsent()); !errors.Is(err, blob.ErrExists) {
			t.Fatalf("create over another's content: %v, want exists", err)
		}
	}
	if got := mustHold(t, b, "log/1", first); got != version {
		t.Fatalf("version changed from %q to %q though nothing was put", version, got)
	}
}

func repeatedCreateSucceeds(t *testing.T, b blob.Bucket) {
	t.Helper()
	for _, body := range []string{"same", ""} {
		version := mustPut(t, b, "same/"+body+".json", []byte(body), blob.IfAbsent())
		if again := mustPut(t, b, "same/"+body+".json", []byte(body), blob.IfAbsent()); again != version {
			t.Fatalf("repeated create gives version %q, the first gave %q", again, version)
		}
	}
}

func replaceNeedsTheCurrentVersion(t *testing.T, b blob.Bucket) {
	t.Helper()
	const key = "head.json"
	if _, err := b.Put(t.Context(), key, []byte("a"), blob.IfMatch("no-such-version")); !errors.Is(err, blob.ErrStale) {
		t.Fatalf("replace of nothing: %v, want stale", err)
	}
	mustBeEmpty(t, b)
	one := mustPut(t, b, key, []byte("one"), blob.IfAbsent())
	two := mustPut(t, b, key, []byte("two"), blob.IfMatch(one))
	if one == two {
		t.Fatalf("different contents have one version %q", one)
	}
	for _, cond := range []blob.Condition{blob.IfMatch(one), blob.IfMatch(""), blob.IfMatch("no-such-version")} {
		if _, err := b.Put(t.Context(), key, []byte("three"), cond); !errors.Is(err, blob.ErrStale) {
			t.Fatalf("replace %s of version %q: %v, want stale", cond, two, err)
		}
	}
	if got := mustHold(t, b, key, []byte("two")); got != two {
		t.Fatalf("get gives version %q, put gave %q", got, two)
	}
	if again := mustPut(t, b, key, []byte("two"), blob.IfMatch(one)); again != two {
		t.Fatalf("repeated replace gives version %q, the first gave %q", again, two)
	}
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), key, []byte("four"), blob.IfMatch(two)); !errors.Is(err, blob.ErrStale) {
		t.Fatalf("replace of what was deleted: %v, want stale", err)
	}
}

func oneCreatorWins(t *testing.T, b blob.Bucket) {
	t.Helper()
	for round := range 3 {
		key := fmt.Sprintf("log/%020d.json", round)
		won := race(t, b, 64, key, key, blob.IfAbsent(), blob.ErrExists)
		mustHold(t, b, key, []byte(won))
	}
}

func oneReplacerWins(t *testing.T, b blob.Bucket) {
	t.Helper()
	version := mustPut(t, b, "object", []byte("at first"), blob.IfAbsent())
	for round := range 3 {
		won := race(t, b, 16, "object", fmt.Sprint("round ", round), blob.IfMatch(version), blob.ErrStale)
		version = mustHold(t, b, "object", []byte(won))
	}
}

// race lets writers put contents that differ from each other, and with label
// from those of other races, and returns the winner's. A conflict is a loss without news of the winner; such a writer tries again.
func race(t *testing.T, b blob.Bucket, writers int, key, label string, cond blob.Condition, lost error) string {
	t.Helper()
	start := make(chan struct{})
	errs := make([]error, writers)
	var done sync.WaitGroup
	for i := range writers {
		done.Go(func() {
			<-start
			errs[i] = putThroughConflicts(t.Context(), b, key, contestant(i, label), cond)
		})
	}
	close(start)
	done.Wait()
	winner := ""
	for i, err := range errs {
		switch {
		case err == nil && winner != "":
			t.Fatalf("writer %d and another were both told that they won %s", i, key)
		case err == nil:
			winner = string(contestant(i, label))
		case !errors.Is(err, lost):
			t.Fatalf("a loser of %s was told %v, want %v", key, err, lost)
		}
	}
	if winner == "" {
		t.Fatalf("nobody won %s", key)
	}
	return winner
}

func contestant(i int, label string) []byte { return fmt.Appendf(nil, "writer %d of %s", i, label) }

func putThroughConflicts(ctx context.Context, b blob.Bucket, key string, body []byte, cond blob.Condition) error {
	const attempts = 100
	var err error
	for range attempts {
		if _, err = b.Put(ctx, key, body, cond); !errors.Is(err, blob.ErrConflict) {
			break
		}
	}
	return err
}

// readersSeeWholeObjects rewrites one object while readers look: each reads one
// of the contents, none a mixture or nothing, and each with
// its own version.
func readersSeeWholeObjects(t *testing.T, b blob.Bucket) {
	t.Helper()
	const key, size, writes = "head.json", 100_000, 30
	bodies := [][]byte{randomBody(1, size), randomBody(2, size/2), randomBody(3, size)}
	valid := map[blob.Digest]bool{}
	for _, body := range bodies {
		valid[blob.DigestOf(body)] = true
	}
	var mu sync.Mutex // guards versions
	versions := map[blob.Version]blob.Digest{}
	tag := func(version blob.Version, body []byte) {
		mu.Lock()
		defer mu.Unlock()
		digest := blob.DigestOf(body)
		if other, ok := versions[version]; ok && other != digest {
			t.Errorf("version %q is that of two contents", version)
		}
		versions[version] = digest
	}
	tag(mustPut(t, b, key, bodies[0], blob.Always()), bodies[0])
	written := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				object, err := b.Get(t.Context(), key)
				if err != nil || !valid[blob.DigestOf(object.Body)] {
					t.Errorf("read of %d bytes between writes: %v, want one of the contents", len(object.Body), err)
					return
				}
				tag(object.Version, object.Body)
				select {
				case <-written:
					return
				default:
				}
			}
		})
	}
	for i := range writes {
		version, err := b.Put(t.Context(), key, bodies[i%len(bodies)], blob.Always())
		if err != nil {
			t.Errorf("rewrite: %v", err)
			break
		}
		tag(version, bodies[i%len(bodies)])
	}
	close(written)
	readers.Wait()
}
