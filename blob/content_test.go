package blob_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
)

const key = "jobs/j/g1/steps/1/weights"

func put(t *testing.T, b blob.Bucket, key, body string) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, []byte(body), blob.Always()); err != nil {
		t.Fatal(err)
	}
}

func TestContentIsVerifiedWhenItIsRead(t *testing.T) {
	t.Parallel()
	b, digest := mem.New(), blob.DigestOf([]byte("weights"))
	if _, err := blob.GetContent(t.Context(), b, key, digest); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("missing: %v", err)
	}
	put(t, b, key, "weights")
	if body, err := blob.GetContent(t.Context(), b, key, digest); err != nil || string(body) != "weights" {
		t.Fatalf("whole: %q, %v", body, err)
	}
	for _, broken := range []string{"", "weight", "weights ", "veights"} {
		put(t, b, key, broken)
		body, err := blob.GetContent(t.Context(), b, key, digest)
		var corrupt *blob.CorruptError
		if !errors.As(err, &corrupt) || !errors.Is(err, blob.ErrCorrupt) || body != nil {
			t.Fatalf("%q: %q, %v; want it called corrupt and kept back", broken, body, err)
		}
		if corrupt.Want != digest || corrupt.Got != blob.DigestOf([]byte(broken)) || !strings.Contains(err.Error(), key) {
			t.Fatalf("%v does not name the object and both digests", err)
		}
	}
}

func TestCorruptContentIsKeptBeforeItIsReplaced(t *testing.T) {
	t.Parallel()
	b, body := mem.New(), []byte("weights")
	for range 2 {
		placed, err := blob.PutContent(t.Context(), b, key, body)
		if err != nil || placed.Quarantined != "" {
			t.Fatalf("put: %+v, %v", placed, err)
		}
	}
	put(t, b, key, "veights")
	placed, err := blob.PutContent(t.Context(), b, key, body)
	if err != nil {
		t.Fatal(err)
	}
	want := "quarantine/" + key + "/" + string(blob.DigestOf([]byte("veights")))
	if placed.Quarantined != want {
		t.Fatalf("the corrupt bytes are said to be at %q, want %q", placed.Quarantined, want)
	}
	if kept, err := b.Get(t.Context(), want); err != nil || string(kept.Body) != "veights" {
		t.Fatalf("quarantine holds %q, %v", kept.Body, err)
	}
	if _, err := blob.GetContent(t.Context(), b, key, blob.DigestOf(body)); err != nil {
		t.Fatal(err)
	}
}

// What happens between the steps of PutContent must not be overwritten unseen.
func TestContentThatChangesMeanwhileIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*testing.T, blob.Bucket){
		"repaired by another":     func(t *testing.T, b blob.Bucket) { t.Helper(); put(t, b, key, "weights") },
		"corrupted in other ways": func(t *testing.T, b blob.Bucket) { t.Helper(); put(t, b, key, "WEIGHTS") },
		"deleted": func(t *testing.T, b blob.Bucket) {
			t.Helper()
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, moment := range []string{"before it is read back", "before it is replaced"} {
			store := mem.New()
			put(t, store, key, "veights")
			calls := 0
			b := blobtest.NewFaulty(store, func(op, k string) blobtest.Fault {
				if k == key && (op == "get" || op == "put") {
					calls++ // put, get, put
				}
				if at := map[string]int{"before it is read back": 2, "before it is replaced": 3}[moment]; k == key && calls == at {
					calls++
					meanwhile(t, store)
				}
				return blobtest.Fault{}
			})
			if _, err := blob.PutContent(t.Context(), b, key, []byte("weights")); err != nil {
				t.Fatalf("%s %s: %v", name, moment, err)
			}
			if _, err := blob.GetContent(t.Context(), store, key, blob.DigestOf([]byte("weights"))); err != nil {
				t.Fatalf("%s %s: %v", name, moment, err)
			}
			for _, corrupt := range []string{"veights", "WEIGHTS"} {
				seen := moment == "before it is replaced" && corrupt == "veights" || strings.HasPrefix(name, "corrupted") && corrupt == "WEIGHTS"
				_, err := store.Get(t.Context(), "quarantine/"+key+"/"+string(blob.DigestOf([]byte(corrupt))))
				if seen && err != nil {
					t.Errorf("%s %s: %s was replaced and not kept: %v", name, moment, corrupt, err)
				}
			}
		}
	}
}

func TestCorruptContentStaysWhereItCannotBeKept(t *testing.T) {
	t.Parallel()
	store := mem.New()
	put(t, store, key, "veights")
	b := blobtest.NewFaulty(store, func(op, k string) blobtest.Fault {
		if op == "put" && strings.HasPrefix(k, "quarantine/") {
			return blobtest.Fault{Before: blob.ErrDenied}
		}
		return blobtest.Fault{}
	})
	if _, err := blob.PutContent(t.Context(), b, key, []byte("weights")); !errors.Is(err, blob.ErrDenied) {
		t.Fatalf("got %v, want the quarantine's error", err)
	}
	if object, err := store.Get(t.Context(), key); err != nil || string(object.Body) != "veights" {
		t.Fatalf("the object holds %q, %v; want it untouched", object.Body, err)
	}
}
