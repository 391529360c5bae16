package cache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/cache"
	"github.com/cohort-rl/cohort/blob/mem"
)

func silent(bool, int64) {}

func keyOf(body string) string { return "jobs/j/g0/steps/1/" + string(blob.DigestOf([]byte(body))) }

// store is a store in memory, and how often each key was read from it.
func store(t *testing.T, bodies ...string) (b blob.Bucket, reads func(key string) int) {
	t.Helper()
	inner := mem.New()
	for _, body := range bodies {
		if _, err := inner.Put(t.Context(), keyOf(body), []byte(body), blob.IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	count := map[string]int{}
	counted := blobtest.NewFaulty(inner, func(op, key string) blobtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if op == "get" {
			count[key]++
		}
		return blobtest.Fault{}
	})
	return counted, func(key string) int {
		mu.Lock()
		defer mu.Unlock()
		return count[key]
	}
}

func mustGet(t *testing.T, b blob.Bucket, key, want string) []byte {
	t.Helper()
	object, err := b.Get(t.Context(), key)
	if err != nil || string(object.Body) != want || object.Key != key || object.Size != int64(len(want)) || object.Version == "" {
		t.Fatalf("get %s: %+v, %v; want %q", key, object, err, want)
	}
	return object.Body
}

func TestCacheKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.RunSmall(t, func(*testing.T) blob.Bucket { return cache.New(mem.New(), 1<<20, silent) })
}

func TestWhatNeverChangesIsReadOnce(t *testing.T) {
	t.Parallel()
	inner, reads := store(t, "weights", "")
	var hits atomic.Int32
	b := cache.New(inner, 100, func(hit bool, _ int64) {
		if hit {
			hits.Add(1)
		}
	})
	for range 3 {
		for _, body := range []string{"weights", ""} {
			got := mustGet(t, b, keyOf(body), body)
			clear(got) // it is the caller's
		}
	}
	for _, body := range []string{"weights", ""} {
		if n := reads(keyOf(body)); n != 1 {
			t.Errorf("%q was read %d times from the store", body, n)
		}
	}
	if hits.Load() != 4 {
		t.Errorf("%d hits were told, want 4", hits.Load())
	}
}

func TestWhatMayChangeIsReadFromTheStore(t *testing.T) {
	t.Parallel()
	inner, _ := store(t)
	b := cache.New(inner, 100, func(bool, int64) { t.Error("a key without a digest was looked for") })
	for i := range 3 {
		body := fmt.Sprint("head ", i)
		if _, err := inner.Put(t.Context(), "jobs/j/head.json", []byte(body), blob.Always()); err != nil {
			t.Fatal(err)
		}
		mustGet(t, b, "jobs/j/head.json", body)
	}
}

func TestBoundHoldsAndTheLeastRecentlyReadGoesFirst(t *testing.T) {
	t.Parallel()
	inner, reads := store(t, "aaaa", "bbbb", "cccc", "larger than all")
	var most atomic.Int64
	b := cache.New(inner, 8, func(_ bool, held int64) { most.Store(max(most.Load(), held)) })
	for _, body := range []string{"aaaa", "bbbb", "aaaa", "cccc", "larger than all", "larger than all", "aaaa", "cccc"} {
		mustGet(t, b, keyOf(body), body)
	}
	for body, want := range map[string]int{"aaaa": 1, "bbbb": 1, "cccc": 1, "larger than all": 2} {
		if n := reads(keyOf(body)); n != want {
			t.Errorf("%q was read %d times from the store, want %d", body, n, want)
		}
	}
	if most.Load() != 8 {
		t.Errorf("%d bytes were held, want 8", most.Load())
	}
	mustGet(t, b, keyOf("bbbb"), "bbbb")
	if n := reads(keyOf("bbbb")); n != 2 {
		t.Errorf("what was read least recently was kept")
	}
}

func TestCorruptContentIsNotKept(t *testing.T) {
	t.Parallel()
	inner, _ := store(t)
	key := keyOf("weights")
	b := cache.New(inner, 100, func(hit bool, held int64) {
		if hit || held > 0 && held != int64(len("weights")) {
			t.Errorf("hit: %v, with %d bytes kept", hit, held)
		}
	})
	if _, err := inner.Put(t.Context(), key, []byte("veights, corrupt"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.GetContent(t.Context(), b, key, blob.DigestOf([]byte("weights"))); !errors.Is(err, blob.ErrCorrupt) {
		t.Fatalf("corrupt: %v", err)
	}
	if _, err := inner.Put(t.Context(), key, []byte("weights"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	mustGet(t, b, key, "weights")
}

// A repair must see the store, not what was read before it was damaged.
func TestPutSeesTheStoreAndNotWhatIsKept(t *testing.T) {
	t.Parallel()
	inner, _ := store(t, "weights")
	b, key := cache.New(inner, 100, silent), keyOf("weights")
	mustGet(t, b, key, "weights")
	if _, err := inner.Put(t.Context(), key, []byte("veights"), blob.Always()); err != nil {
		t.Fatal(err)
	}
	placed, err := blob.PutContent(t.Context(), b, key, []byte("weights"))
	if err != nil || placed.Quarantined == "" {
		t.Fatalf("%+v, %v; want the damage found", placed, err)
	}
	mustGet(t, inner, key, "weights")
}

// A read that was under way when its object was deleted must not bring it back.
func TestObjectDeletedWhileItIsReadIsNotKept(t *testing.T) {
	t.Parallel()
	inner, _ := store(t, "weights")
	var b *cache.Bucket
	b = cache.New(deleting{inner, func(ctx context.Context, key string) error { return b.Delete(ctx, key) }}, 100, silent)
	mustGet(t, b, keyOf("weights"), "weights")
	if _, err := b.Get(t.Context(), keyOf("weights")); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("after it was deleted: %v", err)
	}
}

// deleting deletes what it has read, before it says so.
type deleting struct {
	blob.Bucket
	remove func(context.Context, string) error
}

func (d deleting) Get(ctx context.Context, key string) (blob.Object, error) {
	object, err := d.Bucket.Get(ctx, key)
	if err == nil {
		err = d.remove(ctx, key)
	}
	return object, err
}
