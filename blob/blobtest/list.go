package blobtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

// wild are keys that need escaping somewhere, or sort differently once escaped
// or taken apart at the slash.
func wild() []string {
	return []string{
		"jobs/a b/c", "jobs/a+b", "jobs/a%2Fb", "jobs/a%b", "jobs/a&b=c?d#e", "jobs/a'b\"c", "jobs/<a>|b*",
		"jobs/a", "jobs/a-b/c", "jobs/a.b/c", "jobs/A", "jobs/a!", "jobs/a0/c", "jobs/b/c", "jobs/b-", "jobs/b0",
		"jobs/.hidden", "jobs/..three", "jobs/ends.", "jobs/Größe", "jobs/Gro\u0308ße", "jobs/日本語", "jobs/🚀",
		"jobs/~tilde", "jobs/a:b;c,d@e", "jobs/[x]{y}^`z$", "jobs/ leading", "jobs/trailing ", "jobs/CON",
	}
}

func listingIsOrdered(t *testing.T, b blob.Bucket) {
	t.Helper()
	want := wild()
	for i := range 1050 {
		want = append(want, fmt.Sprintf("jobs/j%d/log/%020d.json", i%3, i))
	}
	putAll(t, b, want)
	slices.Sort(want)
	got := mustList(t, b, "", "")
	if !slices.Equal(got, want) {
		t.Fatalf("list gives %d keys, want %d; first difference: %s", len(got), len(want), difference(got, want))
	}
	for info, err := range b.List(t.Context(), "jobs/日", "") {
		if err != nil || info.Size != int64(len("jobs/日本語")) {
			t.Fatalf("list gives size %d, %v; want the object's", info.Size, err)
		}
	}
	page := mustList(t, b, "jobs/j1/", "jobs/j1/log/00000000000000001000.json")
	if len(page) != 16 || page[0] != "jobs/j1/log/00000000000000001003.json" {
		t.Fatalf("list after the 1,000th gives %d keys: %q", len(page), page)
	}
}

func listingHonoursPrefixAndAfter(t *testing.T, b blob.Bucket) {
	t.Helper()
	all := append(wild(), "jobsx", "a", "z/z", "jobs-/x", "jobs.x")
	putAll(t, b, all)
	slices.Sort(all)
	marks := []string{"", "a", "jobs", "jobs/", "jobs/a", "jobs/a-", "jobs/a/", "jobs/a-b/", "jobs/b", "jobs/b/", "jobs/Gr", "jobs/日", "x", "z/", "zz"}
	for _, prefix := range marks {
		for _, after := range append(marks, "jobs/a-b/c", "jobs/b/c", "jobs/a b/c") {
			var want []string
			for _, key := range all {
				if len(key) >= len(prefix) && key[:len(prefix)] == prefix && key > after {
					want = append(want, key)
				}
			}
			if got := mustList(t, b, prefix, after); !slices.Equal(got, want) {
				t.Errorf("list %q after %q gives %q, want %q", prefix, after, got, want)
			}
		}
	}
}

func listingStops(t *testing.T, b blob.Bucket) {
	t.Helper()
	putAll(t, b, []string{"a", "b", "c/d", "c/e", "f"})
	for info, err := range b.List(t.Context(), "", "") {
		if err != nil || info.Key != "a" {
			t.Fatalf("list begins with %q, %v", info.Key, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if keys, err := list(ctx, b, "", ""); !errors.Is(err, context.Canceled) {
		t.Fatalf("list under a cancelled context gives %q, %v; want its error", keys, err)
	}
}

func putAll(t *testing.T, b blob.Bucket, keys []string) {
	t.Helper()
	const writers = 8
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := w; i < len(keys); i += writers {
				if _, err := b.Put(t.Context(), keys[i], []byte(keys[i]), blob.IfAbsent()); err != nil {
					t.Errorf("put %q: %v", keys[i], err)
				}
			}
		})
	}
	done.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%q at %d, want %q", got[i], i, want[i])
		}
	}
	return "one ends before the other"
}
